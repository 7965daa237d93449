import type { Granting, Order, StandingRights } from '../../cloud/provider.ts';
import { type Clock, type Instant, MINUTE } from '../../protocol/clock.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { mayStand } from '../../protocol/lifecycle.ts';
import type { GrantRunner } from '../grants/runner.ts';
import { stamp } from '../record/body.ts';
import type { Store } from '../store/store.ts';
import { grantedRight, rightOf } from './right.ts';

export interface ReconcileParts {
  granting: Pick<Granting, 'unbind' | 'propagation'> & Pick<StandingRights, 'ours'>;
  runner: Pick<GrantRunner, 'standing' | 'send'>;
  store: Pick<Store, 'grant' | 'write'>;
  clock: Clock;
  trouble: (error: unknown, what: string) => void;
}

/** A right of ours that stands in the cloud, and no grant accounts for it. */
interface Orphan {
  order: Order;
  since: Instant;
  /** The record has that it was found. */
  told: boolean;
  delayed: boolean;
}

interface Seen {
  listed: Set<string>;
  orphans: Set<GrantId>;
}

/**
 * Compares the grants with the cloud's own list of what carries our mark. A right that nobody here remembers, for the
 * store was lost or comes from a backup, is taken back. A grant whose right is not listed is looked at again.
 */
export class Reconcile {
  readonly #parts: ReconcileParts;
  readonly #orphans = new Map<GrantId, Orphan>();

  constructor(parts: ReconcileParts) {
    this.#parts = parts;
  }

  /** @throws Fault when not all of the list could be read. What was read is acted on all the same. */
  async run(signal: AbortSignal): Promise<void> {
    const { granting, runner, clock, trouble } = this.#parts;
    const before = runner.standing.filter(({ bind }) => bind.outcome === 'assigned' && bind.calledAt + granting.propagation < clock.now());
    const seen: Seen = { listed: new Set(), orphans: new Set() };
    const failed = await this.#read(seen, signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // What is not listed any more is gone: that only the whole list can say.
    for (const [id, orphan] of failed ? [] : this.#orphans)
      if (!seen.orphans.has(id)) await this.#gone(orphan).catch((error) => trouble(error, 'orphan'));
    await this.again(signal);
    if (failed) throw failed.error;
    for (const life of before)
      if (!seen.listed.has(grantedRight(life))) await runner.send(life.id, { type: 'unlisted' }).catch(() => undefined);
  }

  /** Asks once more for the end of what was found and has not gone yet. */
  async again(signal: AbortSignal): Promise<void> {
    const held = this.#rights();
    for (const orphan of this.#orphans.values()) {
      // Granted since: its end would be the end of that grant.
      if (held.has(rightOf(orphan.order))) continue;
      await this.#takeBack(orphan, signal).catch((error) =>
        this.#parts.trouble(error, `the end of ${orphan.order.grantId}, which no grant accounts for`),
      );
    }
  }

  async #read({ listed, orphans }: Seen, signal: AbortSignal): Promise<void> {
    const { granting, clock } = this.#parts;
    let held = this.#rights();
    for await (const order of granting.ours(signal)) {
      const right = rightOf(order);
      listed.add(right);
      if (held.has(right)) continue;
      // Given while the list was being read?
      held = this.#rights();
      if (held.has(right) || !(await this.#isOrphan(order).catch(() => false))) continue;
      orphans.add(order.grantId);
      if (!this.#orphans.has(order.grantId)) this.#orphans.set(order.grantId, { order, since: clock.now(), told: false, delayed: false });
    }
  }

  #rights(): ReadonlySet<string> {
    return new Set(this.#parts.runner.standing.map(grantedRight));
  }

  async #isOrphan(order: Order): Promise<boolean> {
    const { store, granting, clock } = this.#parts;
    const row = await store.grant(order.grantId);
    // Lists lag: what ended a moment ago may still stand in them.
    return !row || mayStand(row.state) || (row.goneAt ?? row.notAfter) + granting.propagation + MINUTE < clock.now();
  }

  /** The cloud first, the record second. */
  async #takeBack(orphan: Orphan, signal: AbortSignal): Promise<void> {
    const { granting, clock } = this.#parts;
    const { order } = orphan;
    const answer = await granting.unbind(order, signal).catch((error: unknown) => ({ state: 'failed', error }) as const);
    if (!orphan.told)
      await this.#tell('orphan.found', `${what(order)} stands in the cloud, but no grant accounts for it: it is taken back`, order);
    orphan.told = true;
    if (answer.state === 'stuck' || answer.state === 'failed') {
      if (!orphan.delayed && clock.now() - orphan.since >= MINUTE) {
        await this.#tell('revocation.delayed', `${what(order)} may still stand`, order);
        orphan.delayed = true;
      }
      throw answer.state === 'failed' ? answer.error : new Error(answer.problem.message);
    }
  }

  async #gone({ order }: Orphan): Promise<void> {
    this.#orphans.delete(order.grantId);
    await this.#tell('orphan.gone', `${what(order)} does not stand in the cloud any more`, order);
  }

  async #tell(kind: 'orphan.found' | 'orphan.gone' | 'revocation.delayed', text: string, order: Order): Promise<void> {
    const { store, clock } = this.#parts;
    const { grantId, principalId, roleId, resource, notAfter } = order;
    await store.write((tx) => tx.append({ ...stamp(clock, kind, text), grantId, data: { principalId, role: roleId, resource, notAfter } }));
  }
}

const what = ({ roleId, principalId, resource }: Order): string => `The role ${roleId} of ${principalId} on ${resource.split('/').at(-1)}`;
