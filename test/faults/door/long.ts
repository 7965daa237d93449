// The long form: `npm run faults -- door`. SEED and FRAMES in the environment repeat a run, or make it shorter.
import { Endings } from '../../../scripts/endings.ts';
import { fuzzDoor } from './fuzz.ts';
import { judgeFuzz } from './fuzz-judge.ts';
import { guess } from './proofs.ts';
import { startAlice } from './real-daemon.ts';

const GUESSES = 1_000_000;

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const frames = Number(process.env['FRAMES'] ?? 1_000_000);
const endings = new Endings((message) => console.error(message));
const t = { after: (end: () => unknown) => void endings.add(end) };
console.log(`seed ${seed}: SEED=${seed} npm run faults -- door`);
try {
  const { taken } = guess(GUESSES, seed);
  if (taken.length > 0) throw new Error(`A wrong proof was taken: ${taken[0]}`);
  console.log(`${GUESSES} wrong proofs, none taken`);
  const { daemon } = await startAlice(t);
  const figures = await fuzzDoor(daemon, { frames, seed, progress: (line) => console.log(line) });
  await judgeFuzz(daemon, figures);
  const { before, peak, secondQuarter, fourthQuarter } = figures.memory;
  console.log(JSON.stringify(figures));
  console.log(
    `${figures.frames} frames on ${figures.connections} connections, 0 crashes, 0 uncaught; peak ${Math.round(peak)} MiB (${Math.round(before)} idle), ` +
      `fourth quarter ${(fourthQuarter / secondQuarter).toFixed(2)} × second`,
  );
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await endings.run();
}
