import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isLive } from '../../../central/grants/life.ts';
import type { Client } from '../../../protocol/client.ts';
import { SECOND } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import { until } from '../../support/until.ts';
import type { DaemonProcess } from '../processes/daemon-process.ts';
import { DURATION, type Length, someOf, type Tally } from './lane.ts';
import { bugsIn, damagesOf } from './store-check.ts';

const ASKED_PER_LIFE = 3;
const ROLES = ['backends', 'observe', 'nat'] as const;
const KNOWN_WITHIN = 10 * SECOND;
const CALM_WITHIN = 120 * SECOND;

export interface DaemonCallsParts {
  authority: 'pim' | 'central';
  balancers: readonly ResourceId[];
  random: () => number;
  tally: Tally;
}

/** What one person asks at the door of their daemon. */
export class DaemonCalls {
  readonly #parts: DaemonCallsParts;

  constructor(parts: DaemonCallsParts) {
    this.#parts = parts;
  }

  /** In one life: power, three times, and now and then an end. */
  async some(client: Client, length: () => Length): Promise<void> {
    await this.#known(client);
    const asks = Array.from({ length: ASKED_PER_LIFE }, () => this.#ask(client, length()));
    const live = liveOf(client);
    if (live.length > 0 && this.#parts.random() < 0.5) asks.push(this.#revoke(client, someOf(live, this.#parts.random).id));
    await Promise.allSettled(asks);
  }

  /** Ends by hand what would last; the rest is left to its deadline. @throws Error when something stays live for too long. */
  async endAll(client: Client): Promise<void> {
    await this.#known(client);
    // Until central has told what there is, its daemon knows only what it wrote down itself.
    if (this.#parts.authority === 'central') await until('central', () => client.state.central.state === 'connected', CALM_WITHIN);
    await until('no grant to be live', async () => (await this.#endWhatIsLong(client)) === 0, CALM_WITHIN, SECOND);
  }

  /** Until `empty` resolves, what turns up is ended too: a daemon that lives asks on for what was asked of it before central died. */
  async endingMeanwhile(client: Client, empty: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const ending = (async () => {
      while (!over.signal.aborted) {
        await this.#endWhatIsLong(client);
        await wait(SECOND, undefined, { signal: over.signal }).catch(() => undefined);
      }
    })();
    try {
      await empty();
    } finally {
      over.abort();
      await ending;
    }
  }

  /** Before it knows who the person is, a daemon asks nothing for them. */
  #known(client: Client): Promise<unknown> {
    const to = this.#parts.authority === 'pim' ? 'azure' : 'central';
    const isKnown = () => client.state.signIns.some((signIn) => signIn.to === to && signIn.person !== undefined);
    return until('the sign-in', isKnown, KNOWN_WITHIN);
  }

  async #ask(client: Client, length: Length): Promise<void> {
    const { authority, balancers, random, tally } = this.#parts;
    tally.asked++;
    const answer = await client.call('request', {
      resourceId: someOf(balancers, random),
      roleId: someOf(ROLES, random) as RoleId,
      authority,
      duration: DURATION[length],
      reason: 'INC-9 the pool is drained',
      idempotencyKey: randomUUID(),
    });
    if (answer.ok) tally.answered++;
  }

  async #revoke(client: Client, grantId: GrantId): Promise<void> {
    if ((await client.call('revoke', { grantId })).ok) this.#parts.tally.revokes++;
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

const liveOf = ({ state }: Client) => Object.values(state.grants).filter((grant) => grant.mine && isLive(grant));

/** Verifies its record, lets it end as an operator would, and looks at what it leaves. @returns What is wrong. */
export async function lastLook(name: string, daemon: DaemonProcess, client: Client, tally: Tally): Promise<string[]> {
  const { status, out, err } = await daemon.cli('audit', 'verify', '--json');
  client.close();
  await daemon.end('SIGTERM');
  const record = status === 0 ? [] : [`${name}: the record does not verify: ${out}${err}`];
  if (status === 0) tally.events += eventsIn(out);
  const { stateDir, logFile } = daemon.places;
  return [...record, ...damagesOf(`${stateDir}/journal.db`), ...bugsIn(logFile), ...bugsIn(daemon.log)];
}

function eventsIn(out: string): number {
  const { chains } = JSON.parse(out) as { chains: { events: number }[] };
  return chains.reduce((sum, { events }) => sum + events, 0);
}
