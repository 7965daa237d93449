import type { Bound, CatalogueRole, DirectRight, Granting, Order, Provider, StandingRights, Unbound } from '../../cloud/provider.ts';
import type { Clock, Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId, ResourceId, RoleId } from '../../protocol/ids.ts';
import type { LoadBalancer, Part } from '../../protocol/model.ts';
import { aBalancer, aRole, ROLES } from './samples.ts';

export type CloudCall = 'bind' | 'prolong' | 'unbind' | 'standing';
export type Trouble =
  /** Not applied, no answer. */
  | 'lost before'
  /** Applied, no answer. */
  | 'lost after'
  /** No answer now; applied after a while, whatever the caller does. */
  | { lateBy: Millis }
  /** Never answers, and ignores its signal. */
  | 'hangs'
  | { refuses: string; code?: string }
  | { notYet: Millis }
  | 'nothing there'
  | 'stuck';

interface Right {
  grantId: GrantId;
  notAfter: number;
}

const unreachable = () => new Fault('cloud-unreachable', 'The cloud does not answer', { retryable: true });

/** A cloud in memory that keeps rights, ends them by itself, and fails as told. Speaks central's two interfaces. */
export class FakeCloud implements Provider, Granting, StandingRights {
  readonly id = 'azure';
  propagation: Millis = 60_000;
  readonly #rights = new Map<string, Right>();
  /** The cloud's time goes on while central's machine sleeps. */
  #late: { at: Millis; act: () => void }[] = [];
  readonly calls: { call: CloudCall; grantId: GrantId; at: number }[] = [];
  readonly locked = new Map<string, string[]>();
  readonly balancers = new Map<string, LoadBalancer>();
  partList: Part[] = [];
  roleList: CatalogueRole[] = ROLES.map((id) => aRole(id));
  /** Assignments that somebody made elsewhere. */
  directRights: DirectRight[] = [];
  /** Reading resources, locks and lists fails. */
  down = false;
  /** What the list says, when it lies. */
  listSays: 'standing' | 'absent' | undefined;
  readonly #clock: Clock;
  readonly #troubles: { call: CloudCall; trouble: Trouble; times: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    for (const balancer of [aBalancer('prod-edge', 'prod'), aBalancer('staging-edge', 'staging'), aBalancer('plain', undefined)]) {
      this.balancers.set(balancer.id, balancer);
    }
  }

  /** The next calls of that kind go wrong. */
  fail(call: CloudCall, trouble: Trouble, times = 1): void {
    this.#troubles.push({ call, trouble, times });
  }

  heal(): void {
    this.#troubles.length = 0;
    this.listSays = undefined;
    this.down = false;
  }

  count(call: CloudCall): number {
    return this.calls.filter((each) => each.call === call).length;
  }

  /** The judge: does this principal have this right now? */
  allows(principalId: string, roleId: string, resource: string): boolean {
    const right = this.rights.get(JSON.stringify([principalId, roleId, resource]));
    return right !== undefined && this.#clock.now() < right.notAfter;
  }

  get standingRights(): number {
    return [...this.rights.values()].filter(({ notAfter }) => this.#clock.now() < notAfter).length;
  }

  readonly inventory: Provider['inventory'] = {
    list: () => {
      throw new Error('central lists nothing');
    },
    balancer: async (id) => {
      if (this.down) throw unreachable();
      return this.balancers.get(id);
    },
    parts: async () => this.partList,
    health: async () => new Map(),
  };

  readonly access: Provider['access'] = {
    whoAmI: () => {
      throw new Error('central asks nobody');
    },
    check: () => {
      throw new Error('central checks with nobody');
    },
    locks: async (resource) => {
      if (this.down) throw unreachable();
      return this.locked.get(resource) ?? [];
    },
  };

  roles(_resource: ResourceId): CatalogueRole[] {
    return this.roleList;
  }

  bind(order: Order): Promise<Bound> {
    return this.#run('bind', order, () => this.#apply(order));
  }

  prolong(_from: Order, to: Order): Promise<Bound> {
    return this.#run('prolong', to, () => this.#apply(to));
  }

  async unbind(order: Order): Promise<Unbound> {
    return this.#run('unbind', order, () => (this.rights.delete(keyOf(order)) ? { state: 'accepted' } : { state: 'nothing there' }));
  }

  async *ours(): AsyncGenerator<Order> {
    if (this.down) throw unreachable();
    for (const [key, { grantId, notAfter }] of this.rights) {
      const [principalId, roleId, resource] = JSON.parse(key) as [string, RoleId, ResourceId];
      if (this.#clock.now() < notAfter) yield { grantId, principalId, roleId, resource, notAfter, reason: '' };
    }
  }

  async *direct(): AsyncGenerator<DirectRight> {
    if (this.down) throw unreachable();
    yield* this.directRights;
  }

  async standing(order: Order): Promise<'standing' | 'absent'> {
    return this.#run(
      'standing',
      order,
      () => this.listSays ?? (this.allows(order.principalId, order.roleId, order.resource) ? 'standing' : 'absent'),
    );
  }

  get rights(): Map<string, Right> {
    const due = this.#late.filter(({ at }) => at <= this.#clock.boot());
    this.#late = this.#late.filter((each) => !due.includes(each));
    for (const { act } of due) act();
    return this.#rights;
  }

  #apply(order: Order): Bound {
    this.#rights.set(keyOf(order), { grantId: order.grantId, notAfter: order.notAfter });
    return { state: 'assigned' };
  }

  async #run<T>(call: CloudCall, order: Order, act: () => T): Promise<T> {
    this.calls.push({ call, grantId: order.grantId, at: this.#clock.now() });
    const found = this.#troubles.find((each) => each.call === call && each.times > 0);
    if (!found) return act();
    found.times--;
    const { trouble } = found;
    if (trouble === 'lost before') throw unreachable();
    if (trouble === 'lost after') {
      act();
      throw unreachable();
    }
    if (trouble === 'hangs') return new Promise<T>(() => {});
    if (trouble === 'nothing there') return { state: 'nothing there' } as T;
    if (trouble === 'stuck') return { state: 'stuck', problem: { code: 'ScopeLocked', message: 'A lock keeps it' } } as T;
    if ('lateBy' in trouble) {
      this.#late.push({ at: this.#clock.boot() + trouble.lateBy, act });
      throw unreachable();
    }
    if ('notYet' in trouble) return { state: 'not yet', again: this.#clock.now() + trouble.notYet, why: 'Too young' } as T;
    return { state: 'refused', problem: { code: trouble.code ?? 'Refused', message: trouble.refuses } } as T;
  }
}

const keyOf = ({ principalId, roleId, resource }: { principalId: string; roleId: RoleId; resource: ResourceId }): string =>
  JSON.stringify([principalId, roleId, resource]);
