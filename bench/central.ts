import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { CALL_TIMEOUT, CloudCalls } from '../central/grants/calls.ts';
import type { GrantLife } from '../central/grants/life.ts';
import { grantMachine } from '../central/grants/machine.ts';
import { GrantRunner } from '../central/grants/runner.ts';
import type { RequestLife } from '../central/requests/life.ts';
import type { Store } from '../central/store/store.ts';
import type { Bound, Granting, Order, Unbound } from '../cloud/provider.ts';
import { GOES_ON } from '../protocol/boot-clock.ts';
import { type Clock, HOUR, type Instant, MINUTE, SECOND, systemClock } from '../protocol/clock.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../protocol/ids.ts';

const READINGS = 30;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The clock as `central/main.ts` makes it. */
export const machineClock = (): Clock => systemClock(() => uptime() * SECOND);

/** As in a process that has run for a moment: the system cuts the boot clock to hundredths of a second, only many readings tell it. */
export async function settled(clock: Clock): Promise<Clock> {
  for (let read = 0; read < READINGS; read++) {
    clock.boot();
    await setTimeout(GOES_ON + 1);
  }
  return clock;
}

/** Stands still until it is started, so that what is prepared is not due meanwhile. Then it is the machine's clock, set back. */
export class HeldClock implements Clock {
  readonly #machine: Clock;
  readonly #held: { wall: Instant; boot: number };
  #started: { wall: number; boot: number } | undefined;

  constructor(machine: Clock) {
    this.#machine = machine;
    this.#held = { wall: machine.now(), boot: machine.boot() };
  }

  /** @returns By how much it is behind the machine's wall clock. */
  start(): number {
    this.#started = { wall: this.#machine.now() - this.#held.wall, boot: this.#machine.boot() - this.#held.boot };
    return this.#started.wall;
  }

  now(): Instant {
    return this.#started ? this.#machine.now() - this.#started.wall : this.#held.wall;
  }

  boot(): number {
    return this.#started ? this.#machine.boot() - this.#started.boot : this.#held.boot;
  }

  after(delay: number, run: () => void): () => void {
    return this.#machine.after(delay, run);
  }
}

/**
 * A cloud that does what it is asked and answers at once, on a turn of the event loop as any answer from a network comes:
 * so that what is measured is ours. Tells of each first call to take back.
 */
export class InstantCloud implements Granting {
  readonly propagation = MINUTE;
  readonly #asked = new Set<GrantId>();
  readonly #onRevocation: (order: Order) => void;

  constructor(onRevocation: (order: Order) => void) {
    this.#onRevocation = onRevocation;
  }

  async bind(): Promise<Bound> {
    return { state: 'assigned' };
  }

  async prolong(): Promise<Bound> {
    return { state: 'assigned' };
  }

  async unbind(order: Order): Promise<Unbound> {
    if (!this.#asked.has(order.grantId)) {
      this.#asked.add(order.grantId);
      this.#onRevocation(order);
    }
    await turn();
    return { state: 'accepted' };
  }

  async standing({ grantId }: Order): Promise<'standing' | 'absent'> {
    await turn();
    return this.#asked.has(grantId) ? 'absent' : 'standing';
  }

  roles(): [] {
    return [];
  }
}

/** The engine as `central/serve.ts` builds it. */
export function engine(store: Store, cloud: InstantCloud, clock: Clock): GrantRunner {
  return new GrantRunner({
    store,
    calls: new CloudCalls(() => cloud, clock, CALL_TIMEOUT),
    machine: grantMachine,
    clock,
    bootId: 'bench',
    random: Math.random,
    rules: { propagation: cloud.propagation, longestRequestLife: 10 * MINUTE, grace: 5 * MINUTE },
    trouble: (error, what) => {
      throw new Error(what, { cause: error });
    },
  });
}

const ALICE = { id: 'alice' as PersonId, name: 'Alice Novak' };
const BALANCER = '/subscriptions/s1/resourcegroups/edge/providers/microsoft.network/loadbalancers/prod-edge';
const RESOURCE = {
  id: `azure:${BALANCER}` as ResourceId,
  name: 'prod-edge',
  kind: 'Load balancer',
  balancerId: `azure:${BALANCER}` as ResourceId,
  balancerName: 'prod-edge',
};
const ROLE = { id: 'backends' as RoleId, title: 'Backends', enforcement: 'native' as const };
const PER_COMMIT = 1_000;

/** Grants in use, each of a right of its own, with the requests that they came from. @returns Their ids. */
export async function putGrantsInUse(store: Store, ends: readonly Instant[], clock: Clock): Promise<GrantId[]> {
  const now = clock.now();
  const written = { wall: now, boot: clock.boot() };
  const lives = ends.map((notAfter) => inUse(notAfter, now));
  for (let at = 0; at < lives.length; at += PER_COMMIT) {
    await store.write(async (tx) => {
      for (const life of lives.slice(at, at + PER_COMMIT)) {
        await tx.putRequest(requestOf(life), now);
        await tx.putGrant({ life, version: 1, written });
      }
    });
  }
  return lives.map(({ id }) => id);
}

function inUse(notAfter: Instant, now: Instant): GrantLife {
  const id = randomUUID() as GrantId;
  return {
    id,
    requestId: randomUUID() as RequestId,
    issuer: 'https://issuer.example',
    holder: ALICE,
    principalId: `oid-${id}`,
    resource: RESOURCE,
    role: ROLE,
    actions: ['Microsoft.Network/loadBalancers/backendAddressPools/write'],
    reason: 'Drain web-2 before the kernel update',
    ticket: 'CHG-4711',
    approvedBy: [],
    state: 'usable',
    createdAt: now,
    usableAt: now,
    notAfter,
    bind: { outcome: 'assigned', calledAt: now },
    holdUntil: now + HOUR,
    attempts: 0,
  };
}

function requestOf({
  id,
  requestId,
  issuer,
  holder,
  principalId,
  resource,
  role,
  actions,
  reason,
  ticket,
  notAfter,
}: GrantLife): RequestLife {
  return {
    id: requestId,
    grantId: id,
    requester: { issuer, person: holder, groups: [], principals: { azure: principalId }, keys: [holder.id] },
    target: {
      id: 'prod-edge',
      account: 's1',
      provider: 'azure',
      kind: 'load-balancer',
      name: 'prod-edge',
      resourceGroup: 'edge',
      location: 'westeurope',
      exposure: 'public',
      tags: {},
    },
    resource,
    role,
    allows: [],
    actions,
    duration: 15 * MINUTE,
    reason,
    ticket,
    state: 'approved',
    requirements: [],
    approvals: [],
    createdAt: notAfter - 15 * MINUTE,
    lapsesAt: notAfter,
  };
}
