import assert from 'node:assert/strict';
import { until } from '../../support/until.ts';
import type { FuzzFigures } from './fuzz.ts';
import type { RealDaemon } from './real-daemon.ts';

/** The heap of a process that parses 60 kB of JSON on twenty connections at once settles about 230 MiB above an idle one. */
const PEAK_MIB_ABOVE = 300;
/**
 * From the second quarter to the fourth. What is alive stays at about 40 MiB (--trace-gc: 39.7, 41.2 and 41.6 MB after full collections);
 * the rest is garbage that V8 has had no reason to collect, and it settles after about 250,000 frames.
 */
const GROWTH = { settled: 1.15, settling: 1.5 };
const SETTLED_AFTER = 250_000;

/** Zero crashes, zero errors that nobody caught, bounded memory, and a client that is served beside it and afterwards. */
export async function judgeFuzz(daemon: RealDaemon, figures: FuzzFigures): Promise<void> {
  const told = `seed ${figures.seed}: ${JSON.stringify(figures)}`;
  assert.equal(daemon.child.exitCode ?? daemon.child.signalCode, null, `the daemon has ended. ${told}\n${daemon.said()}`);
  const mistakes = daemon.log().filter(({ msg, level }) => level === 'error' || msg === 'bug');
  assert.deepEqual(mistakes, [], told);
  const { before, peak, secondQuarter, fourthQuarter } = figures.memory;
  assert.ok(peak < before + PEAK_MIB_ABOVE, `peak ${peak} MiB, before ${before} MiB. ${told}`);
  assert.ok(
    fourthQuarter < secondQuarter * (figures.frames >= 4 * SETTLED_AFTER ? GROWTH.settled : GROWTH.settling),
    `memory grows: ${told}`,
  );
  assert.ok(figures.beside.answered > 10, told);
  assert.ok(figures.answers > figures.greeted * 10, told);
  assert.ok(figures.greeted > figures.connections / 4, told);
  // Every kind of refusal occurred, so the frames did reach what they were made for.
  for (const code of ['1002', '1007', '1008', '1009']) assert.ok((figures.closes[code] ?? 0) > 0, `never closed with ${code}. ${told}`);
  const later = await until('a place at the door', () => daemon.client().catch(() => undefined));
  assert.equal(later.state.daemon.pid, daemon.pid);
  assert.equal(later.state.daemon.stopping, false);
  later.close();
}
