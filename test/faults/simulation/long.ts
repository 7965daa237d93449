// The long form of the simulation, or one life of it with its story: `npm run faults -- simulation [--seed N [--plant NAME]]`.
// `--all`: goes on past lives that break a promise, and names each.
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
    all: { type: 'boolean' },
    long: { type: 'boolean' },
  },
});

/** Lives between two lines of progress. */
const EVERY = 20_000;

async function many(): Promise<number> {
  const began = performance.now();
  const lives = { from: Number(values.from), seeds: Number(values.seeds), plant: values.plant, all: values.all };
  let next = EVERY;
  const found = await simulate(lives, Number(values.processes), (lived, broken) => {
    if (lived < next) return;
    next += EVERY;
    const seeds = broken.length > 0 ? `, broken in ${broken.map(({ seed }) => seed).join(', ')}` : '';
    console.log(`${lived} lives after ${Math.round((performance.now() - began) / 1_000)} s${seeds}`);
  });
  console.log(`\n${rows(found.counts)}\n\n${Math.round((performance.now() - began) / 1_000)} s`);
  for (const each of found.broken) console.error(`\n${told(each, values.plant)}`);
  return found.broken.length === 0 ? 0 : 1;
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
