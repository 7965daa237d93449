import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { AuthorityId } from '../../../protocol/model.ts';
import { Endings } from '../../../scripts/endings.ts';
import { endProcessesOf } from '../../../scripts/host/processes.ts';
import { until } from '../../support/until.ts';
import { CentralClient } from './central-client.ts';
import { type DaemonOptions, DaemonProcess } from './daemon-process.ts';
import { Standstill } from './standstill.ts';
import { type CentralOptions, centralOf, type Engineer, type EnrollableCentral, startTown, type Town } from './town.ts';

const ROLE = 'backends' as RoleId;
const REASON = 'INC-9 the pool is drained';

/** What is late is looked at for so much longer, to say how late. */
const LOOKED_ON: Millis = 30 * SECOND;

/** A right that somebody was given, as the cloud sees it. Instants are those of `performance.now()` in this process. */
export interface Given {
  who: Engineer;
  grantId: GrantId;
  /** Its own instant, as the cloud was told. */
  dueAt: number;
  stands(): boolean;
  /** Resolves with the time since `from` when it stands no more. @throws Error when that takes longer than `within`. */
  gone(from: number, within: Millis): Promise<Millis>;
}

export interface OpenDaemon {
  daemon: DaemonProcess;
  client: Client;
  who: Engineer;
}

/** A town whose PIM never ends what is due: what ends there was ended by central or by a daemon. */
export class Scene {
  readonly town: Town;
  readonly #endings: Endings;
  readonly #standstill: Standstill;
  /** What the cloud was asked, `METHOD /path?query`, and when. */
  readonly #asked: { at: number; call: string }[] = [];
  #taken = 0;

  private constructor(town: Town, standstill: Standstill, endings: Endings) {
    this.town = town;
    this.#standstill = standstill;
    this.#endings = endings;
    town.azure.world.faults.weather = (call) => {
      this.#asked.push({ at: performance.now(), call });
      return undefined;
    };
  }

  static async open(): Promise<Scene> {
    const folder = mkdtempSync(path.join(tmpdir(), 'pc-'));
    const endings = new Endings((message) => console.error(message));
    await endings.add(async () => {
      await endProcessesOf(folder, 2_000);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const town = await startTown({ folder, engineers: 12, balancers: 150 }, endings);
    town.azure.world.faults.forgetsEnds = true;
    const standstill = new Standstill();
    await endings.add(() => standstill.stop());
    return new Scene(town, standstill, endings);
  }

  close(): Promise<void> {
    return this.#endings.run();
  }

  /** A central that has been started. */
  async central(name: string, options: Omit<CentralOptions, 'name'> = {}): Promise<{ central: EnrollableCentral; client: CentralClient }> {
    // The longest that there is: a clock that is set ahead must not be what loses a lease.
    const more = { heartbeatGrace: '1h', ...options.more };
    const central = await centralOf(this.town, { name, run: options.run, more });
    await this.#endings.add(() => central.kill());
    await central.start();
    const client = new CentralClient(central.url, this.town.identity.ca);
    await this.#endings.add(() => client.close());
    return { central, client };
  }

  /** A daemon that has been started, of somebody who has no other. */
  async daemon(name: string, options: Omit<DaemonOptions, 'name' | 'town' | 'who'> = {}): Promise<OpenDaemon> {
    const { who } = this.#next();
    const daemon = await DaemonProcess.make({ ...options, town: this.town, who, name });
    await this.#endings.add(() => daemon.end('SIGKILL'));
    return { daemon, who, client: await this.through(daemon, options.central ? 'central' : 'azure') };
  }

  /** Starts it, and waits until it is signed in. */
  async through(daemon: DaemonProcess, to: 'azure' | 'central' = 'azure'): Promise<Client> {
    daemon.launch();
    const client = await daemon.ready();
    await until('the sign-in', () => client.state.signIns.some((signIn) => signIn.to === to && signIn.person !== undefined));
    return client;
  }

  /** Undone when the scene is closed. */
  undo(end: () => void): Promise<void> {
    return this.#endings.add(end);
  }

  /** Power for somebody, over something, that nobody else here has. */
  async givenBy(central: CentralClient, duration: Millis): Promise<Given> {
    const { who, balancer } = this.#next();
    const body = { id: randomUUID(), resourceId: balancer, roleId: ROLE, duration, reason: REASON };
    const answer = await central.call(who, 'request', { body });
    assert.ok(answer.ok && answer.value.grantId, JSON.stringify(answer));
    return this.#given(who, balancer, answer.value.grantId);
  }

  /** The same, asked for at the door of a daemon. */
  async givenAt(client: Client, who: Engineer, authority: AuthorityId, duration: Millis): Promise<Given> {
    const { balancer } = this.#next();
    const idempotencyKey = randomUUID();
    const answer = await client.call('request', {
      resourceId: balancer,
      roleId: ROLE,
      authority,
      duration,
      reason: REASON,
      idempotencyKey,
    });
    assert.ok(answer.ok, JSON.stringify(answer));
    const usable = () =>
      Object.values(client.state.grants).find(({ mine, state, resource }) => mine && state === 'usable' && resource.id === balancer);
    return this.#given(who, balancer, (await until('usable', usable)).id);
  }

  /** A question for power over something that nobody here has, from somebody else than before, as it stands on the wire. */
  question(): {
    who: Engineer;
    scope: string;
    body: { id: string; resourceId: ResourceId; roleId: RoleId; duration: Millis; reason: string };
  } {
    const { who, balancer } = this.#next();
    const body = { id: randomUUID(), resourceId: balancer, roleId: ROLE, duration: 20 * MINUTE, reason: REASON };
    return { who, scope: scopeOf(balancer), body };
  }

  /** Whether the cloud gives anybody anything there that was asked for here. */
  stands(scope: string): boolean {
    return this.town.azure.world.assignments.standing().some((one) => one.scope === scope && one.origin === 'pim');
  }

  /** Everything that the cloud gives this person beyond what they always have. */
  rightsOf({ azureObjectId }: Engineer): string[] {
    const all = this.town.azure.world.assignments.standing();
    return all.filter(({ principalId, origin }) => principalId === azureObjectId && origin === 'pim').map(({ scope }) => scope);
  }

  async #given(who: Engineer, balancer: ResourceId, grantId: GrantId): Promise<Given> {
    const scope = scopeOf(balancer);
    const { assignments } = this.town.azure.world;
    const given = () => assignments.standing().find((one) => one.scope === scope && one.principalId === who.azureObjectId);
    const stands = () => given() !== undefined;
    const gone = async (from: number, within: Millis) => {
      await until('the cloud to have taken it back', () => !stands(), from + within + LOOKED_ON - performance.now(), 5);
      const took = performance.now() - from;
      const still = this.#standstill.since(from);
      assert.ok(
        took <= within + still,
        `taken back after ${Math.round(took)} ms, and not within ${within}: ${this.#why(scope, from, still)}`,
      );
      return took;
    };
    const { endsAt } = await until('the cloud to give it', given);
    assert.ok(endsAt, 'the cloud was told an end');
    return { who, grantId, dueAt: performance.now() + endsAt - Date.now(), stands, gone };
  }

  /** Whether whoever should have ended it was late, or the cloud, or this machine. */
  #why(scope: string, from: number, still: Millis): string {
    const about = this.#asked.filter(({ at, call }) => at >= from && call.toLowerCase().includes(scope.toLowerCase()));
    const calls = about.map(({ at, call }) => `${call.split(' ')[0]} after ${Math.round(at - from)} ms`);
    return `the cloud was asked about it by ${calls.join(', ') || 'nobody'}; this process stood still for ${Math.round(still)} ms`;
  }

  #next(): { who: Engineer; balancer: ResourceId } {
    const index = this.#taken++;
    const { engineers, balancers } = this.town;
    const who = engineers[index % engineers.length];
    const balancer = balancers[index];
    if (!who || !balancer) throw new Error('This town is too small');
    return { who, balancer };
  }
}

const scopeOf = (id: ResourceId): string => id.slice('azure:'.length);
