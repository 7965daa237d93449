import type { Actor } from '../../../central/people/actor.ts';
import type { Access } from '../../../cloud/provider.ts';
import type { EndBecause, Truth } from '../../../daemon/authority.ts';
import { CentralAuthority } from '../../../daemon/central/authority.ts';
import type { CentralHttp } from '../../../daemon/central/http.ts';
import type { MirrorJournal } from '../../../daemon/journal/ports.ts';
import type { Log } from '../../../daemon/log.ts';
import { type Millis, SECOND, sleep } from '../../../protocol/clock.ts';
import { watchClock } from '../../../protocol/clock-watch.ts';
import type { GrantId, RequestId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { Grant } from '../../../protocol/model.ts';
import { type Change, type DaemonState, reduce } from '../../../protocol/state.ts';
import type { Process } from './computer.ts';
import type { Dice } from './dice.ts';
import { balancer } from './people.ts';
import type { Tell } from './story.ts';

/** Within this a daemon that is told to stop has ended what it holds, or leaves it to central. */
const STOPS_WITHIN: Millis = 5 * SECOND;

export interface DaemonParts {
  process: Process;
  http: CentralHttp;
  actor: Actor;
  access: Pick<Access, 'check'>;
  journal: MirrorJournal;
  dice: Dice;
  tell: Tell;
  /** Told of what a person sees of a grant. */
  onShown: (grant: Grant) => void;
}

export interface Asked {
  resource: ResourceId;
  role: RoleId;
  duration: Millis;
}

const SILENT: Log = { info() {}, warn() {}, error() {} };

/** One start of a daemon: its real authority, leases, feed and observer, and what it shows. */
export class Daemon {
  readonly process: Process;
  readonly #authority: CentralAuthority;
  readonly #actor: Actor;
  readonly #tell: Tell;
  readonly #gone = new AbortController();
  #state: DaemonState;

  constructor({ process, http, actor, access, journal, dice, tell, onShown }: DaemonParts) {
    this.process = process;
    this.#actor = actor;
    this.#tell = tell;
    this.#state = {
      daemon: { instance: process.computer.name, version: '0', pid: 1, startedAt: process.now(), stopping: false },
      signIns: [],
      central: { state: 'connecting', since: process.now() },
      requests: {},
      grants: {},
      inventory: { revision: 0, refreshing: false },
    };
    const truth: Truth = {
      now: () => this.#state,
      apply: (change: Change) => {
        if (!process.alive) return;
        this.#state = reduce(this.#state, change);
        if (change.type === 'grant') onShown(change.grant);
      },
      record: ({ text }) => tell(() => `${process.computer.name}: ${text}`),
    };
    this.#authority = new CentralAuthority({
      http,
      url: 'https://central',
      instance: `${process.computer.name}`,
      access: () => access,
      journal,
      truth,
      clock: process,
      random: () => dice.next(),
      log: SILENT,
      onPerson() {},
      onSignedOut() {},
      onEvent() {},
    });
  }

  start(): void {
    watchClock(this.process, () => this.#authority.clockJumped());
    this.#authority.start();
  }

  get grants(): Grant[] {
    return Object.values(this.#state.grants);
  }

  get connected(): boolean {
    return this.#state.central.state === 'connected';
  }

  request(id: RequestId, { resource, role, duration }: Asked): void {
    this.#tell(
      () => `${this.#actor.person.name} asks at ${this.process.computer.name} for ${role} on ${resource} for ${duration / SECOND} s`,
    );
    const ask = { authority: 'central' as const, idempotencyKey: id, resourceId: resource, roleId: role, duration, reason: 'Drain web-1' };
    this.#said('the request', this.#authority.request(ask, balancer(resource), this.#gone.signal));
  }

  extend(id: RequestId, grant: Grant, duration: Millis): void {
    this.#tell(() => `${this.#actor.person.name} extends grant ${grant.id.slice(0, 4)} by ${duration / SECOND} s`);
    const more = { grantId: grant.id, idempotencyKey: id, duration, reason: 'More' };
    this.#said('the extension', this.#authority.extend(more, grant, this.#gone.signal));
  }

  /** @param onAccepted The daemon has promised to end it. */
  revoke(id: GrantId, because: EndBecause, onAccepted: () => void): void {
    this.#tell(() => `${this.#actor.person.name} revokes grant ${id.slice(0, 4)} at ${this.process.computer.name}`);
    this.#authority.revoke(id, because, this.#gone.signal).then(
      (answer) => answer.ok && this.process.alive && onAccepted(),
      () => {},
    );
  }

  /** SIGTERM: ends what it holds, and itself. */
  async stop(): Promise<void> {
    this.#tell(() => `${this.process.computer.name}: is told to stop`);
    const late = sleep(this.process, STOPS_WITHIN).catch(() => {});
    await Promise.race([this.#authority.endAll('daemon stopped'), late]);
    this.#authority.stop();
    this.process.kill();
  }

  #said(what: string, answer: Promise<{ ok: boolean; refusal?: { message: string } }>): void {
    answer.then(
      ({ ok, refusal }) =>
        this.#tell(() => `${this.process.computer.name}: ${what} is ${ok ? 'accepted' : `refused: ${refusal?.message}`}`),
      (error: unknown) => this.#tell(() => `${this.process.computer.name}: ${what} failed: ${error}`),
    );
  }
}
