import path from 'node:path';
import { sqliteDialect } from '../../central/store/sqlite.ts';
import { Store } from '../../central/store/store.ts';
import { engine, HeldClock, InstantCloud, machineClock, putGrantsInUse, settled } from '../central.ts';
import { answer } from '../contestant.ts';
import { inScratch } from '../scratch.ts';
import { fineClock, instants, type Lateness, LEAD, type Plan, sweepGarbage } from './plan.ts';

/** How long after the window to wait for the record to have caught up. */
const PATIENCE = 180_000;

/** Also when the end of each grant was durable: the record may lag behind the calls, never the calls behind the record. */
export interface OurLateness extends Lateness {
  recorded: number[];
}

/** Central's own engine on its own store, each step durable. Late is the call to the cloud that takes the right back. */
await answer(
  (plan: Plan): Promise<OurLateness> =>
    inScratch(async (folder) => {
      const store = await Store.open(await sqliteDialect(path.join(folder, 'central.db')));
      const clock = new HeldClock(await settled(machineClock()));
      const fine = fineClock();
      let behind = 0;
      const now = () => fine() - behind;
      const late: number[] = [];
      const recorded: number[] = [];
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const cloud = new InstantCloud(({ notAfter }) => {
        late.push(now() - notAfter);
        if (recorded.length === plan.count && late.length === plan.count) resolve();
      });
      const runner = engine(store, cloud, clock);
      const from = clock.now() + LEAD;
      const due = instants(plan, from);
      const ids = await putGrantsInUse(store, due, clock);
      const dueOf = new Map(ids.map((id, n) => [id, due[n] as number]));
      await runner.load();
      // The first heartbeat of each: from now on the engine waits for its end.
      await Promise.all(ids.map((id) => runner.send(id, { type: 'heartbeat', instance: 'bench' })));
      store.onAppended((events) => {
        for (const { kind, grantId } of events) {
          const at = kind === 'revocation.attempted' && grantId ? dueOf.get(grantId) : undefined;
          if (at !== undefined) recorded.push(now() - at);
        }
        if (recorded.length === plan.count && late.length === plan.count) resolve();
      });
      sweepGarbage();
      behind = clock.start();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((giveUp) => {
        timer = setTimeout(giveUp, LEAD + plan.window + PATIENCE);
      });
      await Promise.race([done, patience]);
      clearTimeout(timer);
      await runner.close();
      await store.close();
      return { late, recorded, missing: plan.count - late.length };
    }),
);
