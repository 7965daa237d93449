// `npm run check`: types, lint and format, boundaries, unused exports, manifest, diagrams. Everything runs, then all that is wrong is shown.
import path from 'node:path';
import { ROOT } from './root.ts';
import { runStep, type Step, summary } from './steps.ts';

const tool = (name: string) => path.join(ROOT, 'node_modules/.bin', name);

const STEPS: Step[] = [
  { name: 'types', run: [tool('tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  { name: 'types of protocol/', run: [tool('tsc'), '--noEmit', '-p', 'protocol/tsconfig.json'] },
  { name: 'types of webview/', run: [tool('tsc'), '--noEmit', '-p', 'webview/tsconfig.json'] },
  { name: 'lint and format', run: [tool('biome'), 'check', '--error-on-warnings', '--colors=off'] },
  { name: 'boundaries', run: [process.execPath, 'scripts/boundaries/main.ts'] },
  { name: 'unused code', run: [tool('knip'), '--no-progress', '--no-config-hints'] },
  { name: 'manifest', run: [process.execPath, 'scripts/manifest.ts', '--check'] },
  { name: 'diagrams', run: [process.execPath, 'scripts/states.ts', '--check'] },
];

const outcomes = [];
for (const step of STEPS) outcomes.push(await runStep(step, true));
for (const { ok, name, output } of outcomes) if (!ok) console.error(`\n${name}:\n${output}`);
console.log(summary('check', outcomes));
process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
