import { randomUUID } from 'node:crypto';
import { CALL_TIMEOUT, CloudCalls } from '../../../central/grants/calls.ts';
import type { GrantLife } from '../../../central/grants/life.ts';
import { grantMachine } from '../../../central/grants/machine.ts';
import type { GrantStore } from '../../../central/grants/ports.ts';
import { GrantRunner } from '../../../central/grants/runner.ts';
import type { RequestLife } from '../../../central/requests/life.ts';
import { sqliteDialect } from '../../../central/store/sqlite.ts';
import { Store } from '../../../central/store/store.ts';
import { providerOf } from '../../../cloud/provider.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import type { Person } from '../../../protocol/model.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { sqliteHere } from '../../support/sqlite-here.ts';
import { FakeCloud } from '../fake-cloud.ts';
import { aRole, balancerId } from '../samples.ts';

export const ALICE = { id: 'alice', name: 'Alice Novak' } as Person;
export const LONGEST_REQUEST_LIFE = 10 * MINUTE;
const GRACE = 5 * MINUTE;

/** The real runner on a real store, with a cloud in memory and a clock that the test moves. */
export class World {
  readonly clock = new ManualClock();
  readonly cloud = new FakeCloud(this.clock);
  readonly troubles: string[] = [];
  readonly store: Store;
  /** Names this start of the machine. */
  bootId = 'boot-1';
  /** The clouds beside `cloud`, by the beginning of their resources' ids. */
  readonly others = new Map<string, FakeCloud>();
  runner: GrantRunner;

  readonly #ends: GrantStore;

  private constructor(store: Store, ends: GrantStore = store) {
    this.store = store;
    this.#ends = ends;
    this.runner = this.#runner();
  }

  /** @param shared Others may write to the store, too. */
  static async open(file = ':memory:', shared = false): Promise<World> {
    return new World(await Store.open(await sqliteDialect(file, { open: sqliteHere }), { exclusive: !shared }));
  }

  /** On a store that the test has opened, used as central does. */
  static of(store: Store): World {
    return new World(store, store.forEnds());
  }

  /** Another central on the same store, which has taken up what stands there. */
  async rival(): Promise<GrantRunner> {
    const rival = this.#runner();
    await rival.load();
    rival.resume();
    return rival;
  }

  /** Central stops at this point and is started again later; `meanwhile` it listens, and has not resumed. */
  async restart(down = 0, meanwhile = async () => {}): Promise<void> {
    await this.runner.close();
    await this.clock.advance(down);
    this.runner = this.#runner();
    await this.runner.load();
    await meanwhile();
    this.runner.resume();
  }

  async close(): Promise<void> {
    await this.runner.close();
    await this.store.close();
  }

  /** A request that was approved, and the intent of its grant. */
  async grant(
    changes: Partial<Pick<GrantLife, 'follows' | 'principalId' | 'notAfter' | 'resource'>> = {},
    by: GrantRunner = this.runner,
  ): Promise<GrantId> {
    const { clock, store } = this;
    const order = { ...anOrder(clock.now() + 15 * MINUTE), ...changes };
    const start = await store.write(async (tx) => {
      await tx.putRequest(approved(order, clock.now()), clock.now());
      return by.intend(tx, order);
    });
    start();
    return order.id;
  }

  async life(id: GrantId): Promise<GrantLife> {
    const life = await this.store.grant(id);
    if (!life) throw new Error(`There is no grant ${id}`);
    return life;
  }

  allows(life: Pick<GrantLife, 'principalId' | 'role' | 'resource'>): boolean {
    return this.cloud.allows(life.principalId, life.role.id, life.resource.id);
  }

  /** What an honest daemon says: exactly what the cloud does. */
  async observe(id: GrantId): Promise<void> {
    const access = this.allows(await this.life(id)) ? 'allowed' : 'denied';
    await this.runner.send(id, { type: 'observed', access, at: this.clock.now() });
  }

  async kinds(id: GrantId): Promise<string[]> {
    return (await this.store.events(0, 10_000)).filter(({ grantId }) => grantId === id).map(({ kind }) => kind);
  }

  #runner(): GrantRunner {
    return new GrantRunner({
      store: this.#ends,
      calls: new CloudCalls((resource) => this.others.get(providerOf(resource)) ?? this.cloud, this.clock, CALL_TIMEOUT),
      bootId: this.bootId,
      machine: grantMachine,
      clock: this.clock,
      random: () => 0.5,
      rules: { propagation: this.cloud.propagation, longestRequestLife: LONGEST_REQUEST_LIFE, grace: GRACE },
      trouble: (error, what) => void this.troubles.push(`${what}: ${error}`),
    });
  }
}

export type AnOrder = Parameters<GrantRunner['intend']>[1];

/** Alice's right on one balancer, under new ids. */
export function anOrder(notAfter: number): AnOrder {
  const { allows: _, actions, ...role } = aRole('backends');
  return {
    id: randomUUID() as GrantId,
    requestId: randomUUID() as RequestId,
    issuer: 'https://issuer',
    holder: ALICE,
    principalId: 'oid-alice',
    resource: {
      id: balancerId('prod-edge'),
      name: 'prod-edge',
      kind: 'Load balancer',
      balancerId: balancerId('prod-edge'),
      balancerName: 'prod-edge',
    },
    role,
    actions,
    reason: 'Drain web-1',
    approvedBy: [],
    notAfter,
  };
}

/** The request that led to the order. */
export function approved({ requestId, id, resource, role, actions }: AnOrder, now: number): RequestLife {
  return { ...aRequest, id: requestId, grantId: id, resource, role, allows: [], actions, createdAt: now, lapsesAt: now };
}

const aRequest: Omit<RequestLife, 'id' | 'grantId' | 'resource' | 'role' | 'allows' | 'actions' | 'createdAt' | 'lapsesAt'> = {
  requester: { issuer: 'https://issuer', person: ALICE, groups: [], principals: { azure: 'oid-alice' }, keys: ['alice'] },
  target: {
    id: 'prod-edge',
    account: 's1',
    provider: 'azure',
    kind: 'load-balancer',
    name: 'prod-edge',
    resourceGroup: 'rg',
    location: 'westeurope',
    exposure: 'public',
    tags: {},
  },
  duration: 15 * MINUTE,
  reason: 'Drain web-1',
  state: 'approved',
  requirements: [],
  approvals: [],
};
