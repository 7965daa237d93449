// `npm run faults [-- NAME… [OPTION…]]`: the long forms of the harnesses in test/faults, whose short forms are part of `npm test`.
// Options go to the scripts that were named: `npm run faults -- simulation --seed 7` tells the story of one seed.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { runTestFiles } from './node-tests.ts';
import { ROOT } from './root.ts';
import { runStep, type Step, summary } from './steps.ts';

/** A script, or test files that are run again and again: their short form is all that one run can show. */
type Harness = { name: string } & ({ script: string; args?: readonly string[] } | { files: readonly string[]; rounds: number });

const HARNESSES: readonly Harness[] = [
  { name: 'simulation', script: 'test/faults/simulation/long.ts' },
  { name: 'kill', script: 'test/faults/kill/long.ts' },
  { name: 'door', script: 'test/faults/door/long.ts' },
  { name: 'secrets', script: 'test/faults/secrets/long.ts' },
  { name: 'clocks', files: ['test/faults/clocks/clocks.test.ts'], rounds: 10 },
  { name: 'disk', files: ['test/faults/disk/daemon.test.ts', 'test/faults/disk/central.test.ts'], rounds: 10 },
];

const ROUND_LIMIT = 10 * 60_000;

function stepOf(harness: Harness, options: readonly string[]): Step {
  const { name } = harness;
  if ('script' in harness) return { name, run: [process.execPath, harness.script, ...(harness.args ?? []), ...options] };
  const { files, rounds } = harness;
  return {
    name,
    run: async () => {
      for (let round = 1; round <= rounds; round++) {
        const passed = await runTestFiles({ files: [...files], concurrency: 1, timeout: ROUND_LIMIT, reporter: 'spec' });
        if (!passed) throw new Error(`round ${round} of ${rounds} failed`);
      }
      return `${rounds} rounds passed`;
    },
  };
}

const given = process.argv.slice(2);
const firstOption = given.findIndex((arg) => arg.startsWith('-'));
const names = firstOption < 0 ? given : given.slice(0, firstOption);
const options = given.slice(names.length);
const unknown = names.filter((name) => !HARNESSES.some((harness) => harness.name === name));
if (unknown.length > 0) {
  console.error(`No harness is called ${unknown.join(', ')}. Harnesses: ${HARNESSES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
// What dies here is the code as it is now, not as it was built some time ago.
execFileSync(process.execPath, [path.join(ROOT, 'scripts/build.ts')], { cwd: ROOT, stdio: 'inherit' });
const chosen = names.length > 0 ? HARNESSES.filter(({ name }) => names.includes(name)) : HARNESSES;
const outcomes = [];
for (const harness of chosen) outcomes.push(await runStep(stepOf(harness, options), false));
console.log(summary('npm run faults', outcomes));
process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
