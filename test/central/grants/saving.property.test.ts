import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Held } from '../../../central/grants/held.ts';
import type { GrantLife } from '../../../central/grants/life.ts';
import type { GrantWriting, KeptGrant } from '../../../central/grants/ports.ts';
import { Saving } from '../../../central/grants/saving.ts';
import type { AuditBody } from '../../../protocol/audit.ts';
import type { GrantId } from '../../../protocol/ids.ts';
import { ManualClock, turns } from '../../support/manual-clock.ts';

/** Of one transaction, in turns of the event loop. */
interface Pace {
  begin: number;
  each: number;
  end: number;
  fails: boolean;
}

/** A store that takes as long as it is told, and now and then fails. Nothing is in it before its transaction has ended. */
class SlowStore {
  readonly rows = new Map<GrantId, KeptGrant>();
  readonly events: string[] = [];
  readonly #pace: () => Pace;

  constructor(pace: () => Pace) {
    this.#pace = pace;
  }

  async kept(id: GrantId): Promise<KeptGrant | undefined> {
    return this.rows.get(id);
  }

  async write<T>(work: (tx: GrantWriting) => Promise<T>): Promise<T> {
    const { begin, each, end, fails } = this.#pace();
    await turns(begin);
    const rows: KeptGrant[] = [];
    const events: string[] = [];
    const tx = {
      putGrant: async (row: KeptGrant) => {
        await turns(each);
        if ((this.rows.get(row.life.id)?.version ?? 0) !== row.version - 1) return false;
        rows.push(row);
        return true;
      },
      append: async ({ text }: AuditBody) => {
        await turns(each);
        events.push(text);
      },
    };
    const value = await work(tx as unknown as GrantWriting);
    await turns(end);
    if (fails) throw new Error('The disk is full');
    for (const row of rows) this.rows.set(row.life.id, row);
    this.events.push(...events);
    return value;
  }
}

const GRANTS = 3;
const life = (grant: number, step: number) => ({ id: `g${grant}`, requestId: `r${grant}`, reason: `step ${step}` }) as unknown as GrantLife;
const heldOf = (grant: number): Held => ({
  ...{ life: life(grant, 0), version: 0, bootDue: 0, clocks: { wall: 0, boot: 0 }, readAt: 0, unsaved: [], failed: [] },
  ...{ jumped: false, theirs: false, fencedAt: undefined, written: undefined, behind: false },
});

test('what is said to be saved is in the store, and each event is there once, in order', async () => {
  const few = fc.integer({ min: 0, max: 3 });
  const pace = fc.record({ begin: few, each: few, end: few, fails: fc.integer({ min: 0, max: 5 }).map((n) => n === 0) });
  const step = fc.record({ grant: fc.integer({ min: 0, max: GRANTS - 1 }), records: fc.boolean(), after: few });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.array(pace, { minLength: 1 }), async (steps, paces) => {
      let nth = 0;
      const store = new SlowStore(() => paces[nth++ % paces.length] as Pace);
      const saving = new Saving(store, new ManualClock(), undefined, () => {});
      const grants = Array.from({ length: GRANTS }, (_, grant) => heldOf(grant));
      const told: string[][] = grants.map(() => []);
      const claims: Promise<void>[] = [];
      const broken: string[] = [];
      for (const [index, { grant, records, after }] of steps.entries()) {
        await turns(after);
        const held = grants[grant] as Held;
        held.life = life(grant, index);
        const text = `${grant}: ${index}`;
        if (records) {
          held.unsaved.push({ text } as AuditBody);
          told[grant]?.push(text);
        }
        claims.push(
          saving.save([held]).then((saved) => {
            const kept = Number(/\d+/.exec(store.rows.get(held.life.id)?.life.reason ?? '')?.[0] ?? -1);
            if (saved.ok && (kept < index || (records && !store.events.includes(text))))
              broken.push(`step ${index}, the store has ${kept}`);
          }),
        );
      }
      await Promise.all(claims);
      assert.deepEqual(broken, [], 'said to be saved');
      for (const [grant, texts] of told.entries()) {
        const kept = store.events.filter((text) => text.startsWith(`${grant}:`));
        const left = grants[grant]?.unsaved.map(({ text }) => text) ?? [];
        assert.deepEqual([...kept, ...left], texts);
      }
    }),
    { numRuns: 500 },
  );
});
