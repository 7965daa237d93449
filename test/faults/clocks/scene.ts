import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '../../../protocol/client.ts';
import type { Millis } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { AuthorityId } from '../../../protocol/model.ts';
import { Endings } from '../../../scripts/endings.ts';
import { endProcessesOf } from '../../../scripts/host/processes.ts';
import { until } from '../../support/until.ts';
import { CentralClient } from '../processes/central-client.ts';
import { DaemonProcess } from '../processes/daemon-process.ts';
import { centralOf, type Engineer, type EnrollableCentral, startTown, type Town } from '../processes/town.ts';
import { Wall } from './wall.ts';

const ROLE = 'backends' as RoleId;
const REASON = 'INC-9 the pool is drained';

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

/** A town whose PIM never ends what is due: what ends there was ended by central or by a daemon. */
export class Scene {
  readonly town: Town;
  readonly #endings: Endings;
  #taken = 0;

  private constructor(town: Town, endings: Endings) {
    this.town = town;
    this.#endings = endings;
  }

  static async open(): Promise<Scene> {
    const folder = mkdtempSync(path.join(tmpdir(), 'pc-'));
    const endings = new Endings((message) => console.error(message));
    await endings.add(async () => {
      await endProcessesOf(folder, 2_000);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const town = await startTown({ folder, engineers: 12, balancers: 40 }, endings);
    town.azure.world.faults.forgetsEnds = true;
    return new Scene(town, endings);
  }

  close(): Promise<void> {
    return this.#endings.run();
  }

  /** A central that runs on a clock of its own. */
  async central(name: string, more?: Record<string, unknown>): Promise<{ central: EnrollableCentral; client: CentralClient; wall: Wall }> {
    const wall = new Wall(this.town.folder, name);
    const central = await centralOf(this.town, { name, run: { env: wall.env }, more: { heartbeatGrace: '1h', ...more } });
    await this.#endings.add(() => central.kill());
    await central.start();
    const client = new CentralClient(central.url, this.town.identity.ca);
    await this.#endings.add(() => client.close());
    return { central, client, wall };
  }

  /** A daemon that runs on a clock of its own, and a client at its door. */
  async daemon(name: string, central?: EnrollableCentral): Promise<{ daemon: DaemonProcess; client: Client; wall: Wall; who: Engineer }> {
    const wall = new Wall(this.town.folder, name);
    const { who } = this.#next();
    const daemon = await DaemonProcess.make({ town: this.town, who, name, central, run: { env: wall.env } });
    await this.#endings.add(() => daemon.end('SIGKILL'));
    daemon.launch();
    const client = await daemon.ready();
    const to = central ? 'central' : 'azure';
    await until('the sign-in', () => client.state.signIns.some((signIn) => signIn.to === to && signIn.person !== undefined));
    return { daemon, client, wall, who };
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
    const usable = () => Object.values(client.state.grants).find(({ mine, state }) => mine && state === 'usable');
    return this.#given(who, balancer, (await until('usable', usable)).id);
  }

  async #given(who: Engineer, balancer: ResourceId, grantId: GrantId): Promise<Given> {
    const scope = balancer.slice('azure:'.length);
    const { assignments } = this.town.azure.world;
    const given = () => assignments.standing().find((one) => one.scope === scope && one.principalId === who.azureObjectId);
    const stands = () => given() !== undefined;
    const gone = async (from: number, within: Millis) => {
      await until('the cloud to have taken it back', () => !stands(), from + within - performance.now(), 5);
      return performance.now() - from;
    };
    const { endsAt } = await until('the cloud to give it', given);
    assert.ok(endsAt, 'the cloud was told an end');
    return { who, grantId, dueAt: performance.now() + endsAt - Date.now(), stands, gone };
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
