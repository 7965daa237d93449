// One process of the simulation: lives the seeds that it is given and prints what came of them, as one line of JSON.
import { parseArgs } from 'node:util';
import { added, NOTHING } from './counts.ts';
import { live } from './life.ts';
import { PLANTS } from './plants.ts';
import type { Found } from './run.ts';

const { values } = parseArgs({
  options: { from: { type: 'string' }, seeds: { type: 'string' }, plant: { type: 'string' } },
});
const [from, seeds] = [Number(values.from), Number(values.seeds)];
const plant = PLANTS.find(({ name }) => name === values.plant);
if (values.plant !== undefined && !plant) throw new Error(`There is no planted bug "${values.plant}"`);
// Faults are values here, and nobody reads where millions of them came from.
Error.stackTraceLimit = 0;

function run(): Found {
  let counts = NOTHING;
  for (let lived = 0; lived < seeds; lived++) {
    const life = live(from + lived, { plant });
    counts = added(counts, life.counts);
    if (life.broken) return { counts, first: { seed: life.seed, rule: life.broken.rule, message: life.broken.message } };
  }
  return { counts };
}

// Not from a promise job: there the simulated ones could not be settled.
setImmediate(() => process.stdout.write(`${JSON.stringify(run())}\n`));
