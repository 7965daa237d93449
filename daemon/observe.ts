import type { Access } from '../cloud/provider.ts';
import { backoff } from '../protocol/backoff.ts';
import type { Clock, Instant } from '../protocol/clock.ts';
import { SECOND, sleep } from '../protocol/clock.ts';
import type { GrantId, ResourceId } from '../protocol/ids.ts';
import { checkAgain } from './check-again.ts';
import { type Log, ofError } from './log.ts';

export interface Observed {
  grantId: GrantId;
  access: 'allowed' | 'denied';
  at: Instant;
}

/** What is observed of a grant. */
export interface Watched {
  grantId: GrantId;
  resource: ResourceId;
  actions: readonly string[];
  /** Whose right it is, as the cloud knows them. Undefined: an older central does not say. */
  principalId: string | undefined;
}

export interface ObserverParts {
  access(resource: ResourceId): Pick<Access, 'check'> | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
  onObserved(observed: Observed): void;
}

const LONGEST_BETWEEN = 15 * SECOND;

/**
 * Checks with the person's own identity what a grant is really worth, with growing intervals. That it is as awaited is told
 * each time until the watch is dropped: what central heard too early to believe, it hears again.
 */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #watches = new Map<GrantId, { awaited: Observed['access']; controller: AbortController }>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** Waits for one kind of access; another call for the same grant replaces it. */
  watch(watched: Watched, awaited: Observed['access']): void {
    const { grantId, actions } = watched;
    const before = this.#watches.get(grantId);
    if (before?.awaited === awaited) return;
    before?.controller.abort();
    // A guarded role gives the person's own identity nothing that could be checked.
    if (actions.length === 0) return;
    const controller = new AbortController();
    this.#watches.set(grantId, { awaited, controller });
    void this.#until(watched, awaited, controller.signal);
  }

  /** The person whose identity is checked has changed, or is signed in at last. */
  drop(grantId: GrantId): void {
    this.#watches.get(grantId)?.controller.abort();
    this.#watches.delete(grantId);
  }

  stop(): void {
    for (const { controller } of this.#watches.values()) controller.abort();
    this.#watches.clear();
  }

  async #until({ grantId, resource, actions, principalId }: Watched, awaited: Observed['access'], signal: AbortSignal): Promise<void> {
    const { clock, random, log, onObserved } = this.#parts;
    for (let checks = 0, failures = 0; !signal.aborted; checks++) {
      try {
        const access = await this.#parts.access(resource)?.check(resource, actions, signal, principalId);
        if (signal.aborted) return;
        failures = 0;
        if (access === awaited) onObserved({ grantId, access, at: clock.now() });
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log.warn('check failed', { grantId, attempt: failures, ...ofError(error) });
      }
      const wait = failures > 0 ? Math.min(LONGEST_BETWEEN, backoff(failures, random())) : checkAgain(checks);
      await sleep(clock, wait, signal).catch(() => {});
    }
  }
}
