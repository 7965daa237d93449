import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../../protocol/client.ts';
import { SECOND } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import { until } from '../../support/until.ts';
import type { DaemonProcess } from '../processes/daemon-process.ts';
import { DURATION, type Lane, type Length, type Moment, momentAfterAnswer, scopeOfResource, someOf, type Tally } from './lane.ts';
import { bugsIn, damagesOf } from './store-check.ts';
import type { Weather } from './weather.ts';

const ASKED_PER_LIFE = 3;
const ROLES = ['backends', 'observe', 'nat'] as const;
const KNOWN_WITHIN = 10 * SECOND;
const CALM_WITHIN = 120 * SECOND;

/** One person's daemon under Entra PIM, where nobody else of ours would end what it began; asked through its door. */
export class DaemonLane implements Lane {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly tally: Tally = { starts: 0, kills: 0, asked: 0, answered: 0, revokes: 0, events: 0 };
  readonly #daemon: DaemonProcess;
  readonly #balancers: readonly ResourceId[];
  readonly #weather: Weather;
  readonly #random: () => number;

  constructor(parts: {
    name: string;
    daemon: DaemonProcess;
    balancers: readonly ResourceId[];
    weather: Weather;
    random: () => number;
  }) {
    this.name = parts.name;
    this.#daemon = parts.daemon;
    this.#balancers = parts.balancers;
    this.#weather = parts.weather;
    this.#random = parts.random;
    this.scopes = new Set(parts.balancers.map(scopeOfResource));
  }

  async live(moment: Moment, length: () => Length): Promise<void> {
    this.tally.starts++;
    this.#daemon.launch();
    if (moment.after === 'start') await wait(moment.wait / 2);
    else {
      const client = await this.#daemon.ready();
      const calls = Promise.allSettled([this.#someCalls(client, length)]);
      await momentAfterAnswer(moment, { weather: this.#weather, scopes: this.scopes, calls });
      await this.#daemon.end('SIGKILL');
      await calls;
    }
    await this.#daemon.end('SIGKILL');
    this.tally.kills++;
  }

  async settle(empty: () => Promise<void>): Promise<string[]> {
    this.tally.starts++;
    this.#daemon.launch();
    const client = await this.#daemon.ready();
    await known(client);
    await until('no grant to be live', async () => (await this.#endWhatIsLong(client)) === 0, CALM_WITHIN, SECOND);
    await empty();
    const { status, out, err } = await this.#daemon.cli('audit', 'verify', '--json');
    client.close();
    await this.#daemon.end('SIGTERM');
    const record = status === 0 ? [] : [`${this.name}: the record does not verify: ${out}${err}`];
    if (status === 0) this.tally.events += eventsIn(out);
    const { stateDir, logFile } = this.#daemon.places;
    return [...record, ...damagesOf(path.join(stateDir, 'journal.db')), ...bugsIn(logFile), ...bugsIn(this.#daemon.log)];
  }

  async close(): Promise<void> {
    await this.#daemon.end('SIGKILL');
  }

  async #someCalls(client: Client, length: () => Length): Promise<void> {
    await known(client);
    const asks = Array.from({ length: ASKED_PER_LIFE }, () => this.#ask(client, length()));
    const live = liveOf(client);
    if (live.length > 0 && this.#random() < 0.5) asks.push(this.#revoke(client, someOf(live, this.#random).id));
    await Promise.allSettled(asks);
  }

  async #ask(client: Client, length: Length): Promise<void> {
    this.tally.asked++;
    const answer = await client.call('request', {
      resourceId: someOf(this.#balancers, this.#random),
      roleId: someOf(ROLES, this.#random) as RoleId,
      authority: 'pim',
      duration: DURATION[length],
      reason: 'INC-9 the pool is drained',
      idempotencyKey: randomUUID(),
    });
    if (answer.ok) this.tally.answered++;
  }

  async #revoke(client: Client, grantId: GrantId): Promise<void> {
    if ((await client.call('revoke', { grantId })).ok) this.tally.revokes++;
  }

  async #endWhatIsLong(client: Client): Promise<number> {
    const soon = Date.now() + 2 * 60 * SECOND;
    const live = liveOf(client);
    await Promise.allSettled(
      live.filter(({ state, notAfter }) => state !== 'activating' && notAfter > soon).map(({ id }) => this.#revoke(client, id)),
    );
    return live.length;
  }
}

const liveOf = ({ state }: Client) =>
  Object.values(state.grants).filter(({ mine, state }) => mine && !['revoking', 'gone', 'failed'].includes(state));

/** Before it knows who the person is, a daemon asks nothing of the cloud for them. */
const known = (client: Client) =>
  until('the sign-in', () => client.state.signIns.some(({ to, person }) => to === 'azure' && person !== undefined), KNOWN_WITHIN);

function eventsIn(out: string): number {
  const { chains } = JSON.parse(out) as { chains: { events: number }[] };
  return chains.reduce((sum, { events }) => sum + events, 0);
}
