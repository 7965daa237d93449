// The long form of the simulation, or one life of it with its story: `npm run faults -- simulation [--seed N [--plant NAME]]`.
import { parseArgs } from 'node:util';
import { live } from './life.ts';
import { PLANTS } from './plants.ts';
import { rows, simulate, told } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    plant: { type: 'string' },
    seeds: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    long: { type: 'boolean' },
  },
});

/** Lives between two lines of progress. */
const EVERY = 20_000;

async function many(): Promise<number> {
  const began = performance.now();
  const lives = { from: Number(values.from), seeds: Number(values.seeds), plant: values.plant };
  const found = await simulate(lives, Number(values.processes), (lived) => {
    if (lived % EVERY === 0) console.log(`${lived} lives after ${Math.round((performance.now() - began) / 1_000)} s`);
  });
  console.log(`\n${rows(found.counts)}\n\n${Math.round((performance.now() - began) / 1_000)} s`);
  if (!found.first) return 0;
  console.error(`\n${told(found.first, values.plant)}`);
  return 1;
}

function one(seed: number): number {
  const plant = PLANTS.find(({ name }) => name === values.plant);
  if (values.plant !== undefined && !plant) throw new Error(`There is no planted bug "${values.plant}"`);
  const { story, broken } = live(seed, { plant, told: true });
  console.log(story.join('\n'));
  console.log(broken ? `\nSeed ${seed} breaks a promise. ${broken.message}` : `\nSeed ${seed} keeps every promise`);
  return broken ? 1 : 0;
}

// Not from a promise job: there the simulated ones could not be settled.
setImmediate(() => {
  if (values.seed === undefined) many().then((code) => process.exit(code));
  else process.exitCode = one(Number(values.seed));
});
