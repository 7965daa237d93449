import type * as v from 'valibot';
import type { Provider } from '../../cloud/provider.ts';
import type { Cancel, Clock, Instant } from '../../protocol/clock.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { fitted, misfit } from '../../protocol/fit.ts';
import type { ResourceId } from '../../protocol/ids.ts';
import type { Params, Result } from '../../protocol/messages.ts';
import { Account, type Health, LoadBalancer, Part, type ResourceRef } from '../../protocol/model.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { Truth } from '../authority.ts';
import { type Log, ofError } from '../log.ts';
import type { Seen } from './disk.ts';
import { balancerRef, partRef } from './reference.ts';

export interface InventoryParts {
  provider: Provider;
  truth: Truth;
  clock: Clock;
  log: Log;
  read(): Seen | undefined;
  write(seen: Seen): void;
  /** The cloud does not know the person any more. */
  onSignInFailed(): void;
}

const PAGE = 200;
/** What is younger is not fetched again only because a window opened. */
const FRESH_FOR = 5 * MINUTE;
/** Parts are shown without their health rather than later than this. */
const HEALTH_WITHIN = 2 * SECOND;
const HEALTH_FRESH = 30 * SECOND;

const byName = <T extends { name: string; id: string }>(a: T, b: T): number =>
  a.name.toLowerCase() < b.name.toLowerCase() ? -1 : a.name.toLowerCase() > b.name.toLowerCase() ? 1 : a.id < b.id ? -1 : 1;

/** Every load balancer that the person may read: from memory at once, from the cloud in the background. */
export class Inventory {
  readonly #parts: InventoryParts;
  #accounts = new Map<string, Account>();
  #balancers = new Map<ResourceId, LoadBalancer>();
  #sorted: LoadBalancer[] | undefined;
  readonly #seenParts = new Map<ResourceId, Part[]>();
  readonly #health = new Map<ResourceId, { at: Instant; found: ReadonlyMap<ResourceId, Health> }>();
  #personId: string | undefined;
  #refresh: AbortController | undefined;

  constructor(parts: InventoryParts) {
    this.#parts = parts;
    const seen = parts.read();
    if (!seen) return;
    this.#personId = seen.personId;
    this.#accounts = new Map(seen.accounts.map((account) => [account.id, account]));
    this.#balancers = new Map(seen.balancers.map((balancer) => [balancer.id, balancer]));
    this.#tell({ fetchedAt: seen.fetchedAt });
  }

  /** Somebody has signed in or out. What another person saw is forgotten. */
  person(id: string | undefined): void {
    if (id !== undefined && id !== this.#personId) {
      if (this.#personId !== undefined) this.#clear();
      this.#personId = id;
    }
    if (id === undefined) this.#refresh?.abort();
    else void this.refresh();
  }

  /** A window has opened. */
  stale(): void {
    const { fetchedAt } = this.#parts.truth.now().inventory;
    if (this.#personId !== undefined && this.#parts.clock.now() - (fetchedAt ?? 0) > FRESH_FOR) void this.refresh();
  }

  stop(): void {
    this.#refresh?.abort();
  }

  /** Lists everything again. One that is under way is replaced. */
  async refresh(): Promise<void> {
    const { provider, clock, log } = this.#parts;
    this.#refresh?.abort();
    const run = new AbortController();
    this.#refresh = run;
    this.#tell({ refreshing: true });
    const accounts = new Map<string, Account>();
    const found = new Set<ResourceId>();
    try {
      for await (const page of provider.inventory.list(run.signal)) {
        if (run.signal.aborted) return;
        for (const account of page.accounts) accounts.set(account.id, account);
        for (const balancer of page.balancers) found.add(balancer.id);
        this.#merge(page.accounts, page.balancers);
      }
      if (run.signal.aborted) return;
      this.#settle(accounts, found);
      this.#health.clear();
      const fetchedAt = clock.now();
      this.#tell({ refreshing: false, fetchedAt, problem: undefined });
      if (this.#personId !== undefined)
        this.#parts.write({
          schema: 1,
          personId: this.#personId,
          fetchedAt,
          accounts: [...this.#accounts.values()],
          balancers: [...this.#balancers.values()],
        });
    } catch (error) {
      if (run.signal.aborted) return;
      log.warn('inventory', ofError(error));
      this.#tell({
        refreshing: false,
        problem: error instanceof Fault ? error.message : 'The list could not be read. The daemon log has the details.',
      });
      if (error instanceof Fault && error.code === 'sign-in-failed') this.#parts.onSignInFailed();
    } finally {
      if (this.#refresh === run) this.#refresh = undefined;
    }
  }

  accounts(): Result<'inventory.accounts'> {
    const counts = new Map<string, number>();
    for (const { accountId } of this.#balancers.values()) counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
    const accounts = [...this.#accounts.values()].map((account) => ({ ...account, balancers: counts.get(account.id) ?? 0 }));
    return { accounts: accounts.sort(byName), ...this.#freshness() };
  }

  balancers({ provider, accountId, cursor }: Params<'inventory.balancers'>): Result<'inventory.balancers'> {
    const from = Number.parseInt(cursor ?? '0', 10) || 0;
    const all = this.#all().filter((balancer) => balancer.provider === provider && balancer.accountId === accountId);
    const next = from + PAGE < all.length ? { next: String(from + PAGE) } : {};
    return { balancers: all.slice(from, from + PAGE), ...next, ...this.#freshness() };
  }

  find({ text, limit }: Params<'inventory.find'>): Result<'inventory.find'> {
    const wanted = text.trim().toLowerCase();
    const balancers = this.#all().filter((balancer) => matches(balancer, wanted));
    return { balancers: balancers.slice(0, limit), more: balancers.length > limit };
  }

  async parts(id: ResourceId, signal: AbortSignal): Promise<Answer<{ parts: Part[] }>> {
    const { provider } = this.#parts;
    if (!this.#balancers.has(id) && !(await provider.inventory.balancer(id, signal))) return notFound();
    const health = this.#healthOf(id, signal);
    const parts = this.#fitting(Part, await provider.inventory.parts(id, signal));
    this.#seenParts.set(id, parts);
    const found = await health;
    const whole = parts.map((part) => withHealth(part, found?.get(part.id)));
    return yes({ parts: this.#fitting(Part, whole) });
  }

  /** What the screen calls a resource. The cloud is asked only about what was never seen. */
  async resolve(id: ResourceId, signal: AbortSignal): Promise<Answer<ResourceRef>> {
    const known = this.#balancers.get(id) ?? [...this.#balancers.values()].find((balancer) => id.startsWith(`${balancer.id}/`));
    const balancer = known ?? (await this.#ask(id, signal));
    if (!balancer) return notFound();
    if (balancer.id === id) return yes(balancerRef(balancer));
    const seen = this.#seenParts.get(balancer.id)?.find((part) => part.id === id);
    if (seen) return yes(partRef(seen, balancer));
    const parts = this.#fitting(Part, await this.#parts.provider.inventory.parts(balancer.id, signal));
    this.#seenParts.set(balancer.id, parts);
    const part = parts.find((candidate) => candidate.id === id);
    return part ? yes(partRef(part, balancer)) : notFound();
  }

  /** A part's id begins with its balancer's: what stands in front of it is tried, nearest first. */
  async #ask(id: ResourceId, signal: AbortSignal): Promise<LoadBalancer | undefined> {
    const segments = id.split('/');
    for (const depth of [0, 2, 4]) {
      const balancer = await this.#parts.provider.inventory.balancer(
        segments.slice(0, segments.length - depth).join('/') as ResourceId,
        signal,
      );
      if (balancer) return fitted(LoadBalancer, balancer);
    }
    return undefined;
  }

  async #healthOf(id: ResourceId, signal: AbortSignal): Promise<ReadonlyMap<ResourceId, Health> | undefined> {
    const { provider, clock, log } = this.#parts;
    const known = this.#health.get(id);
    if (known && clock.now() - known.at < HEALTH_FRESH) return known.found;
    let late = false;
    let cancel: Cancel = () => {};
    const asked = provider.inventory
      .health(id, signal)
      .then((found) => {
        this.#health.set(id, { at: clock.now(), found });
        // The tree has drawn the parts without it: it asks again.
        if (late && found.size > 0) this.#tell({});
        return found;
      })
      .catch((error: unknown) => {
        log.warn('health', ofError(error));
        return undefined;
      });
    const waited = new Promise<undefined>((resolve) => {
      cancel = clock.after(HEALTH_WITHIN, () => {
        late = true;
        resolve(undefined);
      });
    });
    const first = await Promise.race([asked, waited]);
    cancel();
    return first;
  }

  #merge(accounts: Account[], balancers: LoadBalancer[]): void {
    for (const account of this.#fitting(Account, accounts)) this.#accounts.set(account.id, account);
    for (const balancer of this.#fitting(LoadBalancer, balancers)) this.#balancers.set(balancer.id, balancer);
    this.#tell({ refreshing: true });
  }

  /** Names and texts are the cloud's: an over-long one is cut, and what cannot be told at all hides nothing else. */
  #fitting<T>(schema: v.GenericSchema<unknown, T>, found: readonly T[]): T[] {
    return found.flatMap((one) => {
      const told = fitted(schema, one);
      if (told === undefined) this.#parts.log.error('not understood', { problem: misfit(schema, one) });
      return told ?? [];
    });
  }

  /** Takes away what is no more, except where an account could not be read: there the last known list stays. */
  #settle(accounts: Map<string, Account>, found: Set<ResourceId>): void {
    for (const id of this.#accounts.keys()) if (!accounts.has(id)) this.#accounts.delete(id);
    for (const [id, { accountId }] of this.#balancers) {
      const account = accounts.get(accountId);
      if (!found.has(id) && (!account || account.problem === undefined)) this.#balancers.delete(id);
    }
  }

  #clear(): void {
    this.#accounts.clear();
    this.#balancers.clear();
    this.#seenParts.clear();
    this.#health.clear();
    this.#tell({ fetchedAt: undefined, problem: undefined });
  }

  #all(): LoadBalancer[] {
    this.#sorted ??= [...this.#balancers.values()].sort(byName);
    return this.#sorted;
  }

  #freshness(): { fetchedAt?: number; problem?: string } {
    const { fetchedAt, problem } = this.#parts.truth.now().inventory;
    return { ...(fetchedAt === undefined ? {} : { fetchedAt }), ...(problem === undefined ? {} : { problem }) };
  }

  #tell(change: { refreshing?: boolean; fetchedAt?: Instant | undefined; problem?: string | undefined }): void {
    this.#sorted = undefined;
    const before = this.#parts.truth.now().inventory;
    this.#parts.truth.apply({ type: 'inventory', inventory: { ...before, ...change, revision: before.revision + 1 } });
  }
}

function matches(balancer: LoadBalancer, wanted: string): boolean {
  const { name, resourceGroup, location, id, tags } = balancer;
  const words = [name, resourceGroup, location, id, ...Object.entries(tags).map(([key, value]) => `${key}=${value}`)];
  return words.some((word) => word.toLowerCase().includes(wanted));
}

const withHealth = (part: Part, health: Health | undefined): Part => (health ? { ...part, health } : part);

const notFound = () =>
  no('not-found', 'There is no such load balancer or part, or you may not read it', {
    wayOut: 'Refresh the list, and check that you are signed in as the right person.',
  });
