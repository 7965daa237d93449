// `npm test`: everything, set-up included. Prints what each failed step said, then one summary.
import { ensureBrowser } from './browser.ts';
import { ensureFaketime } from './faketime.ts';
import { installHost } from './host/install.ts';
import { type Outcome, runStep, type Step, summary } from './steps.ts';

const script = (...args: string[]) => [process.execPath, ...args] as const satisfies [string, ...string[]];

/** `needed`: nothing that follows makes sense without it. */
const STEPS: (Step & { needed?: boolean })[] = [
  { name: 'check', run: script('scripts/check.ts') },
  { name: 'build and package', run: script('scripts/package.ts'), needed: true },
  { name: 'browser', run: () => ensureBrowser(console.error), needed: true },
  { name: 'editor', run: () => installHost(console.error), needed: true },
  { name: 'clock library', run: () => ensureFaketime(console.error), needed: true },
  { name: 'unit tests', run: script('scripts/unit.ts') },
  { name: 'fault harnesses', run: script('scripts/short-faults.ts') },
  { name: 'extension host tests', run: script('scripts/editor.ts') },
  { name: 'end-to-end tests', run: script('scripts/e2e.ts') },
];

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
