import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sweep, startSweeps } from '../../../central/sweeps/sweeps.ts';
import { MINUTE, SECOND } from '../../../protocol/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function stage(sweeps: Sweep[]) {
  const clock = new ManualClock();
  const troubles: string[] = [];
  const runs = new Map<string, () => Promise<void>>();
  const cancel = startSweeps(sweeps, {
    clock,
    schedule: (when, name, run) => {
      runs.set(`${when} ${name}`, run);
      return () => void runs.delete(`${when} ${name}`);
    },
    trouble: (error, what) => void troubles.push(`${what}: ${(error as Error).message}`),
  });
  return { clock, troubles, runs, cancel };
}

test('a sweep that fails or hangs is told, and keeps no other from running', async () => {
  const ran: string[] = [];
  const { clock, troubles, runs } = stage([
    { name: 'bad', when: '1', limit: SECOND, run: () => Promise.reject(new Error('No')) },
    {
      name: 'slow',
      when: '2',
      limit: MINUTE,
      run: (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
    { name: 'good', when: '3', limit: SECOND, run: async () => void ran.push('good') },
  ]);
  const all = Promise.all([...runs.values()].map((run) => run()));
  await clock.advance(MINUTE);
  await all;
  assert.deepEqual([ran, troubles], [['good'], ['sweep: bad: No', 'sweep: slow: The sweep slow took longer than 60 s']]);
});

test('what is to run at the start does, and nothing goes on after the end', async () => {
  let stopped = false;
  const { clock, troubles, runs, cancel } = stage([
    {
      name: 'first',
      when: '1',
      limit: MINUTE,
      atStart: true,
      run: (signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            stopped = true;
            resolve();
          }),
        ),
    },
  ]);
  cancel();
  await clock.advance(2 * MINUTE);
  assert.deepEqual([stopped, runs.size, troubles, clock.armed], [true, 0, [], 0]);
});
