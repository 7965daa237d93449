// `npm test`: everything, set-up included. Prints what each failed step said, then one summary.
import { globSync } from 'node:fs';
import { ensureBrowser } from './browser.ts';
import { ensureFaketime } from './faketime.ts';
import { installHost } from './host/install.ts';
import { ROOT, stopwatch } from './root.ts';
import { type Outcome, runStep, type Step, summary } from './steps.ts';

const script = (...args: string[]) => [process.execPath, ...args] as const satisfies [string, ...string[]];

const SIMULATION = /[/\\]simulation[/\\]/;
const faults = globSync('test/faults/**/*.test.ts', { cwd: ROOT });

/** `needed`: nothing that follows makes sense without it. `beside`: goes on while the next ones run. */
const STEPS: (Step & { needed?: boolean; beside?: boolean })[] = [
  { name: 'check', run: script('scripts/check.ts') },
  { name: 'build and package', run: script('scripts/package.ts'), needed: true },
  { name: 'browser', run: () => ensureBrowser(console.error), needed: true },
  { name: 'editor', run: () => installHost(console.error), needed: true },
  { name: 'clock library', run: () => ensureFaketime(console.error), needed: true },
  { name: 'unit tests', run: script('scripts/unit.ts', '--built') },
  // It needs nothing but time, and what follows mostly waits for deadlines and people.
  {
    name: 'simulation',
    run: script('scripts/short-faults.ts', '--built', '--idle', ...faults.filter((file) => SIMULATION.test(file))),
    beside: true,
  },
  { name: 'fault harnesses', run: script('scripts/short-faults.ts', '--built', ...faults.filter((file) => !SIMULATION.test(file))) },
  { name: 'extension host tests', run: script('scripts/editor.ts') },
  { name: 'end-to-end tests', run: script('scripts/e2e.ts', '--built') },
];

const timer = stopwatch();
const outcomes: Outcome[] = [];
const beside: Promise<void>[] = [];
const ended = (outcome: Outcome): void => {
  outcomes.push(outcome);
  if (!outcome.ok) console.error(outcome.output);
};
for (const step of STEPS) {
  console.log(`${step.name}…`);
  const running = runStep(step, true);
  if (step.beside) {
    beside.push(running.then(ended));
    continue;
  }
  const outcome = await running;
  ended(outcome);
  if (step.needed && !outcome.ok) break;
}
await Promise.all(beside);
console.log(summary('npm test', outcomes, timer()));
process.exitCode = outcomes.every(({ ok }) => ok) && outcomes.length === STEPS.length ? 0 : 1;
