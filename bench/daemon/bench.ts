import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { buildTarget } from '../../scripts/build.ts';
import { type Bench, times } from '../contract.ts';
import { median } from '../sample.ts';
import { inScratch } from '../scratch.ts';
import { startOfBareNode, withBareNode } from './bare-node.ts';
import { Home } from './home.ts';
import { MIB, residentBytes } from './resident.ts';

const LEASES = 1_000;

/** What the daemon costs on a person's machine: until it answers, and while it runs. */
export const daemon: Bench = {
  name: 'daemon',
  run: (size, say) =>
    inScratch(async (folder) => {
      say('building it as it is shipped');
      await buildTarget('portcullis', path.join(folder, 'dist'));
      const script = path.join(folder, 'dist', 'portcullis.mjs');
      const rounds = size === 'whole' ? 11 : 1;
      const settle = size === 'whole' ? 5_000 : 200;
      say('start to first answer');
      const starts: { floor: number; ours: number; held: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        starts.push({
          floor: startOfBareNode(),
          ours: await startOfDaemon(new Home(path.join(folder, `home-${round}`)), script),
          held: await startOfDaemon(new Home(path.join(folder, `held-${round}`)).hold(LEASES), script),
        });
      }
      say('resident memory');
      const [idle, held] = [new Home(path.join(folder, 'idle')), new Home(path.join(folder, 'held')).hold(LEASES)];
      const memory = await withBareNode((bare) =>
        idle.run(script, (empty) =>
          held.run(script, async (full) => {
            await wait(settle);
            return { floor: residentBytes(bare), idle: residentBytes(empty), held: residentBytes(full) };
          }),
        ),
      );
      const start = (of: 'ours' | 'held') => times(median(starts.map((each) => each[of])) / median(starts.map(({ floor }) => floor)));
      const resident = (of: 'floor' | 'idle' | 'held') => [times(memory[of] / memory.floor), `${Math.round(memory[of] / MIB)} MiB`];
      return [
        {
          title: 'The daemon beside a bare Node',
          about: [
            `Start: the process is spawned, until the door has answered a client with the whole state; beside \`node -e 0\` from spawn to exit, in turns, median of ${rounds}.`,
            'Memory: what is resident after it has settled, beside a Node process that only waits; in MiB too, for a footprint hardly depends on the machine.',
            `The ${LEASES.toLocaleString('en')} leases are taken up from the journal while central cannot be reached: the dearest case.`,
          ].join(' '),
          columns: ['', 'start to first answer', 'resident memory', ''],
          rows: [
            ['bare Node', times(1), ...resident('floor')],
            ['daemon, holding nothing', start('ours'), ...resident('idle')],
            [`daemon, holding ${LEASES.toLocaleString('en')} leases`, start('held'), ...resident('held')],
          ],
          goals: [],
        },
      ];
    }),
};

async function startOfDaemon(home: Home, script: string): Promise<number> {
  const start = performance.now();
  return home.run(script, async () => performance.now() - start);
}
