import type { Clock, Millis } from '../protocol/clock.ts';
import { SECOND, sleep } from '../protocol/clock.ts';
import { LINGERS } from '../protocol/door.ts';
import { no } from '../protocol/refusal.ts';
import type { Authority, EndBecause, Truth } from './authority.ts';
import type { Log } from './log.ts';

export interface EndingParts {
  authorities: readonly Authority[];
  truth: Truth;
  clock: Clock;
  log: Log;
  /** Told to whoever looks at this process while it waits with its end. */
  say(line: string): void;
  closeDoor(why: string): void;
  /** Lets go of everything: the last thing that happens. */
  onEnded(): void;
}

const ENDS_WITHIN = 5 * SECOND;
const LOOKS_EVERY = SECOND / 4;

/** How this daemon ends: by ending what it holds, by leaving it to the next daemon, or by handing over to a newer one. */
export class Ending {
  readonly #parts: EndingParts;
  readonly #leaving = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  #ending: Promise<void> | undefined;
  #lingering = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Resolves once this daemon has stopped, whoever wanted it. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /**
   * Ends what is held, and then this daemon: within five seconds, unless a cloud does not take something back yet that nobody
   * else would end. Then it stays, takes nothing new, and ends with that; or at once for whoever comes to the door, for their
   * own daemon takes over.
   */
  stop(): Promise<void> {
    return this.#once('The daemon stops and ends what it holds', async () => {
      await Promise.race([this.endWithin(this.#parts.authorities, 'daemon stopped'), aborted(this.#leaving.signal)]);
      await this.#linger();
    });
  }

  /** Stops without waiting for anything: the journal has what is left, for the next daemon. */
  leave(): void {
    this.#leaving.abort();
    void this.stop();
  }

  /**
   * A newer daemon goes on with the journal: nothing is ended, and no credential goes over. What is being asked for is waited
   * for, so that the next one need not take back what it cannot know.
   */
  handOver(): Promise<void> {
    return this.#once('The daemon hands over to a newer one, which holds what it held', async () => {
      const settled = this.#until(() => !this.#parts.authorities.some(({ asking }) => asking));
      await Promise.race([atMost(this.#parts.clock, settled, ENDS_WITHIN), aborted(this.#leaving.signal)]);
    });
  }

  /** Whoever comes now wants a daemon that serves: theirs takes the rest up from the journal. */
  clientCame(): void {
    if (this.#lingering) this.#leaving.abort();
  }

  /** Waits until every end is accepted, or as long as somebody may be kept waiting. The rest goes on by journal and central. */
  endWithin(which: readonly Authority[], because: EndBecause): Promise<void> {
    return atMost(this.#parts.clock, Promise.all(which.map((authority) => authority.endAll(because))), ENDS_WITHIN);
  }

  /** Refuses while something is being taken back: only who is signed in can give it back, and see that it is gone. */
  stillHeld(which: readonly Authority[]): ReturnType<typeof no> | undefined {
    const { truth, clock } = this.#parts;
    const grants = which.flatMap((authority) => authority.held()).flatMap((id) => truth.now().grants[id] ?? []);
    // What central granted ends in the cloud at its instant even when central is never heard of again.
    const first = grants.find(({ authority, notAfter }) => authority !== 'central' || notAfter > clock.now());
    if (!first) return undefined;
    const why = first.awaiting ? `: ${first.awaiting}` : '';
    return no('still-held', `${first.role.title} on ${first.resource.name} is still being taken back${why}`, {
      wayOut: 'Sign out when it is gone.',
    });
  }

  #once(text: string, work: () => Promise<void>): Promise<void> {
    this.#ending ??= (async () => {
      const { truth, onEnded } = this.#parts;
      truth.apply({ type: 'stopping' });
      truth.record({ kind: 'daemon.stopping', text });
      await work();
      this.#leaving.abort();
      onEnded();
      this.#stopped.resolve();
    })();
    return this.#ending;
  }

  /** Azure takes nothing back in the first minutes: without anybody to ask again it would stand until its own end. */
  async #linger(): Promise<void> {
    const { authorities, log, say, closeDoor } = this.#parts;
    const left = () => authorities.flatMap((authority) => authority.endsHere());
    const [first, ...more] = left();
    if (!first || this.#leaving.signal.aborted) return;
    const what = `${first.role.title} on ${first.resource.name}${more.length > 0 ? ` and ${more.length} more` : ''}`;
    log.warn('stays until the cloud takes back what is held', { grantId: first.id, problem: first.awaiting });
    say(`Azure has not taken back ${what} yet. This daemon stays until it has; a second signal leaves that to the next one.`);
    closeDoor(LINGERS);
    this.#lingering = true;
    await this.#until(() => left().length === 0);
    log.info(this.#leaving.signal.aborted ? 'leaves what is held to the next daemon' : 'nothing is held any more');
  }

  async #until(so: () => boolean): Promise<void> {
    while (!so() && !this.#leaving.signal.aborted) await sleep(this.#parts.clock, LOOKS_EVERY, this.#leaving.signal).catch(() => {});
  }
}

/** Waits for it, and no longer than that. */
export async function atMost(clock: Clock, work: Promise<unknown>, limit: Millis): Promise<void> {
  const waited = new AbortController();
  const late = sleep(clock, limit, waited.signal).catch(() => {});
  await Promise.race([work, late]);
  waited.abort();
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
