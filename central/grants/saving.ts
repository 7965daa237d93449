import type { Clock } from '../../protocol/clock.ts';
import type { RequestId } from '../../protocol/ids.ts';
import type { Problem } from '../../protocol/model.ts';
import { Queue } from '../../protocol/queue.ts';
import { aboutRequest } from '../record/body.ts';
import { stepRequest } from '../requests/life.ts';
import type { Held } from './held.ts';
import type { GrantStore, GrantWriting, KeptGrant } from './ports.ts';

/** `fenced`: another runner has written one of them. */
export type Saved = { ok: true } | { ok: false; error: unknown; fenced?: boolean };

interface Waiting {
  changed: readonly Held[];
  done: (saved: Saved) => void;
}

/** Steps in one transaction at most: to put it together takes this thread, in which grants fall due. */
const AT_ONCE = 8;

/**
 * Makes steps durable, all those together that come while the store is busy: one flush for many. What the store refuses
 * stands in memory, and is saved with the next step.
 */
export class Saving {
  readonly #store: Pick<GrantStore, 'write' | 'kept'>;
  readonly #clock: Clock;
  readonly #bootId: string | undefined;
  readonly #trouble: (error: unknown) => void;
  readonly #waiting = new Queue<Waiting>();
  #running: Promise<void> | undefined;

  constructor(store: Pick<GrantStore, 'write' | 'kept'>, clock: Clock, bootId: string | undefined, trouble: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#bootId = bootId;
    this.#trouble = trouble;
  }

  /** Those that changed together are written together or not at all. Never rejects. */
  save(changed: readonly Held[]): Promise<Saved> {
    const { promise, resolve } = Promise.withResolvers<Saved>();
    this.#waiting.push({ changed, done: resolve });
    this.#running ??= this.#run();
    return promise;
  }

  /** The grant as a row. */
  row({ life, clocks, bootDue }: Pick<Held, 'life' | 'clocks' | 'bootDue'>, version: number): KeptGrant {
    const bootId = this.#bootId;
    return { life, version, written: clocks, ...(bootId !== undefined && { bootDue: { bootId, at: bootDue } }) };
  }

  /** Nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      let drawn: Waiting[] | undefined;
      // Drawn when the store begins: what has come until then goes along. Once: what comes later is not written with it.
      const draw = () => {
        drawn ??= this.#draw();
        return drawn.flatMap(({ changed }) => changed);
      };
      const together = await this.#write(draw);
      // There is none yet where the store could not even begin.
      const batch = drawn ?? this.#draw();
      for (const { changed, done } of batch) {
        // One that cannot be written does not keep the others from it.
        const saved = together.ok || batch.length === 1 ? together : await this.#write(() => changed);
        if (!saved.ok && !saved.fenced) this.#trouble(saved.error);
        for (const held of changed) held.behind = !saved.ok;
        done(saved);
      }
    }
    this.#running = undefined;
  }

  /** What waited behind an earlier step of the same grant was written with that one. */
  #draw(): Waiting[] {
    const batch: Waiting[] = [];
    while (batch.length < AT_ONCE) {
      const next = this.#waiting.shift();
      if (!next) break;
      if (next.changed.every((held) => held.written === held.life && held.unsaved.length + held.failed.length === 0)) {
        next.done({ ok: true });
      } else batch.push(next);
    }
    return batch;
  }

  async #write(draw: () => readonly Held[]): Promise<Saved> {
    const written: Written[] = [];
    try {
      await this.#store.write(async (tx) => {
        written.length = 0;
        for (const held of new Set(draw())) {
          // As it is now: more may come while it is written.
          const row = this.row(held, held.version + 1);
          const [bodies, failed] = [[...held.unsaved], [...held.failed]];
          written.push({ held, row, bodies: bodies.length, failed: failed.length });
          if (!(await tx.putGrant(row))) {
            held.fencedAt = this.#clock.boot();
            throw new Fenced(`Another runner has written grant ${row.life.id}`);
          }
          for (const body of bodies) await tx.append(body);
          for (const { id, problem } of failed) await failRequest(tx, this.#clock, id, problem);
        }
      });
    } catch (error) {
      const fenced = error instanceof Fenced;
      if (!fenced || !(await this.#landed(written).catch(() => false))) return { ok: false, error, fenced };
    }
    for (const { held, row, bodies, failed } of written) {
      held.written = row.life;
      held.fencedAt = undefined;
      held.version++;
      held.unsaved.splice(0, bodies);
      held.failed.splice(0, failed);
    }
    return { ok: true };
  }

  /** The store has this very writing: it was taken, and only its acknowledgement was lost. */
  async #landed(written: readonly Written[]): Promise<boolean> {
    for (const { row } of written) {
      const kept = await this.#store.kept(row.life.id);
      if (kept?.version !== row.version || JSON.stringify(kept.life) !== JSON.stringify(row.life)) return false;
    }
    return written.length > 0;
  }
}

interface Written {
  held: Held;
  row: KeptGrant;
  bodies: number;
  failed: number;
}

class Fenced extends Error {}

async function failRequest(tx: GrantWriting, clock: Clock, id: RequestId, problem: Problem): Promise<void> {
  const before = await tx.request(id);
  if (!before) return;
  const { request, records } = stepRequest(before, { type: 'failed', problem });
  await tx.putRequest(request, clock.now());
  for (const { kind, text, more } of records) await tx.append(aboutRequest(clock, request, kind, text, more));
}
