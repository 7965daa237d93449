import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isLive } from '../../../central/grants/life.ts';
import { SECOND } from '../../../protocol/clock.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import type { CentralProcess } from '../../e2e/central-process.ts';
import { until } from '../../support/until.ts';
import { CentralClient } from '../processes/central-client.ts';
import { centralRecord, recordFault } from '../processes/record.ts';
import type { Engineer, Town } from '../processes/town.ts';
import {
  DURATION,
  freshTally,
  type Lane,
  type Length,
  type Moment,
  momentAfterAnswer,
  scopeOfResource,
  someOf,
  type Tally,
} from './lane.ts';
import { bugsIn, damagesOf } from './store-check.ts';
import type { Weather } from './weather.ts';

const ASKED_PER_LIFE = 5;
const ROLES = ['backends', 'observe'] as const;
/** How long the last life may need to see that nothing it holds is live. */
const CALM_WITHIN = 120 * SECOND;

interface Held {
  grantId: string;
  who: Engineer;
}

/** Central, asked through its HTTPS interface with people's own tokens. */
export class CentralLane implements Lane {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly tally = freshTally();
  readonly #town: Town;
  readonly #central: CentralProcess;
  readonly #balancers: readonly ResourceId[];
  readonly #weather: Weather;
  readonly #random: () => number;
  readonly #held: Held[] = [];

  constructor(parts: {
    name: string;
    town: Town;
    central: CentralProcess;
    balancers: readonly ResourceId[];
    weather: Weather;
    random: () => number;
  }) {
    this.name = parts.name;
    this.#town = parts.town;
    this.#central = parts.central;
    this.#balancers = parts.balancers;
    this.#weather = parts.weather;
    this.#random = parts.random;
    this.scopes = new Set(parts.balancers.map(scopeOfResource));
  }

  async live(moment: Moment, length: () => Length): Promise<{ sender: boolean }> {
    this.tally.starts++;
    this.#central.launch();
    if (moment.after === 'start') await wait(moment.wait);
    else {
      await this.#central.ready();
      const client = this.#client();
      const calls = Promise.allSettled(this.#someCalls(client, length));
      await momentAfterAnswer(moment, { weather: this.#weather, scopes: this.scopes, calls });
      await this.#central.kill();
      await client.close();
      await calls;
    }
    await this.#central.kill();
    this.tally.kills++;
    return { sender: true };
  }

  async settle(empty: () => Promise<void>): Promise<string[]> {
    this.tally.starts++;
    await this.#central.start();
    const client = this.#client();
    try {
      await until('no grant to be live', async () => (await this.#endWhatIsLong(client)) === 0, CALM_WITHIN, SECOND);
      await empty();
      return await lastLookAtCentral(this.name, this.#town, this.#central, client, this.tally);
    } finally {
      await client.close();
    }
  }

  async close(): Promise<void> {
    await this.#central.kill();
    await this.#central.close();
  }

  #client(): CentralClient {
    return new CentralClient(this.#central.url, this.#town.identity.ca);
  }

  /** New power, and something with what was given before. Most of them never hear an answer. */
  #someCalls(client: CentralClient, length: () => Length): Promise<unknown>[] {
    const asks = Array.from({ length: ASKED_PER_LIFE }, () => this.#ask(client, length()));
    const [held] = this.#held.length > 0 ? [someOf(this.#held, this.#random)] : [];
    if (!held) return asks;
    const { grantId: id, who } = held;
    const chance = this.#random();
    if (chance < 0.4) return [...asks, this.#revoke(client, held)];
    if (chance < 0.7) return [...asks, client.call(who, 'observed', { id, body: { access: 'allowed', at: Date.now() } })];
    return [...asks, client.call(who, 'heartbeat', { id, body: { instance: this.name } })];
  }

  async #ask(client: CentralClient, length: Length): Promise<void> {
    const who = someOf(this.#town.engineers, this.#random);
    const body = {
      id: randomUUID(),
      resourceId: someOf(this.#balancers, this.#random),
      roleId: someOf(ROLES, this.#random),
      duration: DURATION[length],
      reason: 'INC-9 the pool is drained',
    };
    this.tally.asked++;
    const answer = await client.call(who, 'request', { body });
    if (!answer.ok) return;
    this.tally.answered++;
    if (answer.value.grantId) this.#held.push({ grantId: answer.value.grantId, who });
    if (this.#held.length > 20) this.#held.shift();
  }

  async #revoke(client: CentralClient, { grantId: id, who }: Held): Promise<void> {
    const answer = await client.call(who, 'revoke', { id, body: { because: 'revoked' } });
    if (answer.ok) this.tally.revokes++;
  }

  /** The short ones are left to their deadline, and what an earlier life left open to whoever takes it up. @returns How many are live. */
  async #endWhatIsLong(client: CentralClient): Promise<number> {
    const counts = this.#town.engineers.map(async (who) => {
      const state = await client.call(who, 'state');
      if (!state.ok) throw new Error(`${this.name}: ${who.id} is refused the state: ${state.refusal.message}`);
      const live = state.value.grants.filter((grant) => grant.mine && isLive(grant));
      const soon = Date.now() + 2 * 60 * SECOND;
      const long = live.filter(({ state, notAfter }) => state !== 'activating' && notAfter > soon);
      await Promise.allSettled(long.map(({ id: grantId }) => this.#revoke(client, { grantId, who })));
      return live.length;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }
}

/** Verifies its record, lets it end as an operator would, and looks at what it leaves. @returns What is wrong. */
export async function lastLookAtCentral(
  name: string,
  town: Town,
  central: CentralProcess,
  client: CentralClient,
  tally: Tally,
): Promise<string[]> {
  const events = await centralRecord(client, town.auditor);
  tally.events += events.length;
  const broken = await recordFault(town, name, events);
  await central.stop();
  return [...(broken === undefined ? [] : [broken]), ...damagesOf(path.join(town.folder, name, 'central.db')), ...bugsIn(central.log)];
}
