import { type AuditEvent, whyBroken } from '../../protocol/audit.ts';
import { toHex } from '../../protocol/bytes.ts';
import { receiptText } from '../../protocol/checkpoint.ts';
import type { Clock } from '../../protocol/clock.ts';
import { subtrees } from '../../protocol/merkle.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { Actor } from '../people/actor.ts';
import { type Store, sha256, type Writing } from '../store/store.ts';
import { leafOf } from '../store/tree.ts';
import { stamp } from './body.ts';
import type { RecordKey } from './key.ts';

export interface DepositParts {
  store: Store;
  clock: Clock;
  key: RecordKey;
}

export interface Deposited {
  receipt?: string | undefined;
  next: number;
}

/** Takes in what daemons record, and signs that it has. A daemon's past is fixed from then on: another one is a fork. */
export class Deposits {
  readonly #parts: DepositParts;

  constructor(parts: DepositParts) {
    this.#parts = parts;
  }

  async take(actor: Actor, events: readonly AuditEvent[]): Promise<Answer<Deposited>> {
    const [first] = events;
    if (!first || first.source === 'central' || events.some(({ source, seq }, at) => source !== first.source || seq !== first.seq + at))
      return no('bad-input', "events: are not one daemon's, in order and without a gap", { field: 'events' });
    return this.#parts.store.write((tx) => this.#take(tx, actor, first, events));
  }

  async #take(tx: Writing, actor: Actor, { source, seq: from }: AuditEvent, events: readonly AuditEvent[]): Promise<Answer<Deposited>> {
    const owner = JSON.stringify([actor.issuer, actor.person.id]);
    const known = await tx.ownerOf(source);
    if (known !== undefined && known !== owner)
      return no('not-yours', 'Another person has sent events of this daemon', { wayOut: 'Restart the daemon: it begins a record anew.' });
    const head = await tx.head(source);
    if (from > head.seq + 1) return yes({ next: head.seq + 1 });

    const again = events.filter(({ seq }) => seq <= head.seq);
    const fresh = events.slice(again.length);
    const wrong = (await this.#unlike(tx, source, again)) ?? broken(fresh, head);
    if (wrong !== undefined) return this.#forked(tx, actor, source, wrong);
    const last = fresh.at(-1);
    if (!last) return yes({ receipt: await tx.receipt(source, from + events.length - 1), next: head.seq + 1 });

    if (known === undefined) await tx.own(source, owner);
    const begin = head.seq + 1;
    await tx.deposit(source, head, fresh);
    const { clock, key } = this.#parts;
    const { root } = head.frontier;
    const told = await tx.append({
      ...stamp(clock, 'record.received', `Received the record of a daemon up to event ${last.seq}`),
      person: actor.person,
      data: { source, from: begin, to: last.seq, root: toHex(root) },
    });
    const receipt = key.sign(
      receiptText({ origin: key.key.name, source, from: begin, to: last.seq, root, seq: told.seq, at: Math.round(told.at) }),
    );
    await tx.putReceipt(source, last.seq, receipt);
    return yes({ receipt, next: last.seq + 1 });
  }

  /** The first of these that is another one than was sent before under its number. */
  async #unlike(tx: Writing, source: string, events: readonly AuditEvent[]): Promise<number | undefined> {
    const leaves = await tx.hashes(
      source,
      events.map(({ seq }) => subtrees(seq - 1, seq)),
    );
    return events.find((event, at) => toHex(leafOf(event)) !== toHex(leaves[at] ?? new Uint8Array()))?.seq;
  }

  async #forked(tx: Writing, actor: Actor, source: string, seq: number): Promise<Answer<Deposited>> {
    await tx.append({
      ...stamp(this.#parts.clock, 'record.forked', `A daemon sent another event ${seq} than before, or one that does not follow`),
      person: actor.person,
      data: { source, seq },
    });
    return no('forked', `Event ${seq} is not the one that central has received, or does not follow it`, {
      wayOut: 'Restart the daemon: it begins a record anew. What it wrote before should be looked into.',
    });
  }
}

/** The first event that does not follow the one before it. */
function broken(events: readonly AuditEvent[], head: { seq: number; hash: string }): number | undefined {
  let before = head;
  for (const event of events) {
    if (whyBroken(event, before.seq === 0 ? undefined : before, sha256) !== undefined) return event.seq;
    before = event;
  }
  return undefined;
}
