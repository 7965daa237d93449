// `npm test`: everything, set-up included. Prints what each failed step said, then one summary.
import { globSync } from 'node:fs';
import path from 'node:path';
import { ensureBrowser } from './browser.ts';
import { ensureFaketime } from './faketime.ts';
import { installHost } from './host/install.ts';
import { ROOT } from './root.ts';
import { type Outcome, runStep, type Step, summary } from './steps.ts';

const script = (...args: string[]) => [process.execPath, ...args] as const satisfies [string, ...string[]];

const SIMULATION = /[/\\]simulation[/\\]/;
const faults = globSync('test/faults/**/*.test.ts', { cwd: ROOT });

/** `needed`: nothing that follows makes sense without it. */
const STEPS: (Step & { needed?: boolean })[] = [
  { name: 'check', run: script('scripts/check.ts') },
  { name: 'build and package', run: script('scripts/package.ts'), needed: true },
  { name: 'browser', run: () => ensureBrowser(console.error), needed: true },
  { name: 'editor', run: () => installHost(console.error), needed: true },
  { name: 'clock library', run: () => ensureFaketime(console.error) },
  { name: 'unit tests', run: script('scripts/unit.ts', '--built') },
  { name: 'fault harnesses', run: script('scripts/short-faults.ts', '--built', ...faults.filter((file) => !SIMULATION.test(file))) },
  // Not beside those that hold processes to their deadlines: it takes every processor that there is.
  { name: 'simulation', run: script('scripts/short-faults.ts', '--built', ...faults.filter((file) => SIMULATION.test(file))) },
  { name: 'extension host tests', run: script('scripts/editor.ts') },
  { name: 'end-to-end tests', run: script('scripts/e2e.ts', '--built') },
];

// Hundreds of processes load the same sources and bundles: each is compiled once.
process.env['NODE_COMPILE_CACHE'] ??= path.join(ROOT, 'out/compiled');

const outcomes: Outcome[] = [];
for (const step of STEPS) {
  console.log(`${step.name}…`);
  const outcome = await runStep(step, true);
  outcomes.push(outcome);
  if (outcome.ok) continue;
  console.error(outcome.output);
  if (step.needed) break;
}
console.log(summary('npm test', outcomes));
process.exitCode = outcomes.every(({ ok }) => ok) && outcomes.length === STEPS.length ? 0 : 1;
