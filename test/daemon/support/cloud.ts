import type {
  Approving,
  Bound,
  Order,
  OwnElevation,
  Provider,
  SelfService,
  SelfServiceRules,
  Unbound,
  WaitingRequest,
} from '../../../cloud/provider.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId, PersonId, RequestId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { Account, Health, LoadBalancer, Part, Person, ResourceRef, RoleOption } from '../../../protocol/model.ts';
import { yes } from '../../../protocol/refusal.ts';

export const ALICE: Person = { id: 'a11ce' as PersonId, name: 'Alice Novak', email: 'alice@example.test' };
export const BEN: Person = { id: 'be77' as PersonId, name: 'Ben Okafor' };
export const BALANCER = 'azure:/subscriptions/s1/resourcegroups/net/providers/microsoft.network/loadbalancers/prod-edge' as ResourceId;
export const POOL = `${BALANCER}/backendaddresspools/web` as ResourceId;
export const ROLE: RoleOption = {
  id: 'backends' as RoleId,
  title: 'Change backends',
  enforcement: 'native',
  authority: 'pim',
  allows: ['Add and remove backends'],
  actions: ['microsoft.network/loadbalancers/backendaddresspools/write'],
  longest: 60 * MINUTE,
  usual: 15 * MINUTE,
  reasonRequired: true,
  ticketRequired: false,
};
export const RESOURCE: ResourceRef = {
  id: BALANCER,
  name: 'prod-edge',
  kind: 'Load balancer',
  balancerId: BALANCER,
  balancerName: 'prod-edge',
};

export const balancer = (id: ResourceId, name: string, accountId = 's1'): LoadBalancer => ({
  id,
  provider: 'azure',
  kind: 'load-balancer',
  name,
  accountId,
  resourceGroup: 'net',
  location: 'westeurope',
  sku: 'Standard',
  exposure: 'public',
  tags: { env: 'prod' },
  provisioningState: 'Succeeded',
  counts: { frontends: 1, pools: 1, rules: 1 },
});

/** A cloud in memory: one balancer with a pool. What it answers next is a member to set. */
export class FakeCloud implements Provider {
  readonly id = 'azure';
  person: Person | undefined = ALICE;
  accounts: Account[] = [{ provider: 'azure', id: 's1', name: 'Production', balancers: 1 }];
  balancers: LoadBalancer[] = [balancer(BALANCER, 'prod-edge')];
  pools: Part[] = [{ id: POOL, balancerId: BALANCER, parentId: BALANCER, kind: 'backend-pool', name: 'web', detail: '2 backends' }];
  healthOf: ReadonlyMap<ResourceId, Health> = new Map();
  /** What the person may really do now. */
  power = false;
  down = false;
  lockedBy: string[] = [];
  readonly log: string[] = [];

  readonly inventory: Provider['inventory'] = {
    list: (signal) => this.#list(signal),
    balancer: async (id) => {
      this.#up('balancer');
      return this.balancers.find((candidate) => candidate.id === id);
    },
    parts: async () => {
      this.#up('parts');
      return this.pools;
    },
    health: async () => this.healthOf,
  };

  readonly access: Provider['access'] = {
    whoAmI: async () => {
      this.#up('whoAmI');
      if (!this.person) throw new Fault('sign-in-failed', 'Nobody is signed in', { wayOut: 'Run "az login".' });
      return this.person;
    },
    check: async (_resource, _actions, _signal, principalId) => {
      this.#up('check');
      if (principalId !== undefined && principalId !== this.person?.id)
        throw new Fault('sign-in-failed', `You are signed in to Azure as ${this.person?.name}.`);
      return this.power ? 'allowed' : 'denied';
    },
    locks: async () => this.lockedBy,
  };

  async *#list(signal: AbortSignal) {
    this.#up('list');
    if (!this.person) throw new Fault('sign-in-failed', 'Nobody is signed in');
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) return;
    yield { accounts: this.accounts, balancers: this.balancers };
  }

  #up(call: string): void {
    this.log.push(call);
    if (this.down) throw new Fault('cloud-unreachable', 'Azure does not answer', { retryable: true });
  }
}

/** Entra PIM in memory. Each act gives the next of its answers, and the last one again when they run out. */
export class FakePim implements SelfService, Approving {
  readonly propagation = 10 * MINUTE;
  rulesNow: SelfServiceRules = { longest: 60 * MINUTE, reasonRequired: true, ticketRequired: false, policyId: 'policy-1' };
  activations: (Bound | Error)[] = [{ state: 'assigned' }];
  pendings: (Awaited<ReturnType<SelfService['pending']>> | Error)[] = [];
  releases: (Unbound | Error)[] = [{ state: 'accepted' }];
  cancels: (Error | undefined)[] = [undefined];
  readonly orders: Order[] = [];
  readonly log: string[] = [];
  onActivate: () => void = () => {};
  onRelease: (unbound: Unbound) => void = () => {};

  /** What waits for this person, or what keeps them from knowing. */
  asked: WaitingRequest[] | Error = [];
  looks = 0;
  decided: (Awaited<ReturnType<Approving['approve']>> | Error)[] = [yes(undefined)];

  async waiting(): Promise<WaitingRequest[]> {
    this.looks += 1;
    if (this.asked instanceof Error) throw this.asked;
    return this.asked;
  }

  async approve(): Promise<Awaited<ReturnType<Approving['approve']>>> {
    return this.#next('approve', this.decided, () => {});
  }

  async deny(): Promise<Awaited<ReturnType<Approving['deny']>>> {
    return this.#next('deny', this.decided, () => {});
  }

  async eligible(): Promise<RoleOption[]> {
    return [ROLE];
  }

  async rules(): Promise<SelfServiceRules> {
    return this.rulesNow;
  }

  async activate(order: Order): Promise<Bound> {
    this.orders.push(order);
    return this.#next('activate', this.activations, this.onActivate);
  }

  async pending(): Promise<Awaited<ReturnType<SelfService['pending']>>> {
    return this.#next('pending', this.pendings, () => {});
  }

  async cancel(): Promise<void> {
    this.#next('cancel', this.cancels, () => {});
  }

  /** What the cloud says of the person's own elevations, or what keeps them from knowing. */
  own: OwnElevation[] | Error = [];

  async mine(): Promise<OwnElevation[]> {
    if (this.own instanceof Error) throw this.own;
    return this.own;
  }

  async deactivate(): Promise<Unbound> {
    return this.#next('deactivate', this.releases, this.onRelease);
  }

  /** What the cloud's list says, whatever it answers to a release. */
  listed: 'standing' | 'absent' = 'absent';

  async standing(): Promise<'standing' | 'absent'> {
    this.log.push('standing');
    return this.listed;
  }

  #next<T>(act: string, answers: (T | Error)[], then: (answer: T) => void): T {
    this.log.push(act);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    then(answer as T);
    return answer as T;
  }
}

export const grantId = (n: number): GrantId => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as GrantId;
export const requestId = (n: number): RequestId => `11111111-0000-4000-8000-${String(n).padStart(12, '0')}` as RequestId;
