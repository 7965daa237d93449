import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { azureApproving } from '../../../cloud/azure/approving.ts';
import { azureGranting } from '../../../cloud/azure/granting.ts';
import { azureProvider } from '../../../cloud/azure/provider.ts';
import { azureSelfService } from '../../../cloud/azure/self-service.ts';
import type { AzureSettings } from '../../../cloud/azure/settings.ts';
import { type SharedTokens, sharedTokens } from '../../../cloud/azure/shared-tokens.ts';
import type { Order } from '../../../cloud/provider.ts';
import { MINUTE, type Millis } from '../../../protocol/clock.ts';
import type { GrantId, ResourceId, RoleId } from '../../../protocol/ids.ts';
import type { LoadBalancer, Part, ResourceRef } from '../../../protocol/model.ts';
import { CENTRAL_APP, makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import { type AzureCloud, type AzureOptions, startAzure } from '../../clouds/azure/start.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A simulated Azure with people, and the adapter as each of them would hold it. */
export async function startStage(t: Pick<TestContext, 'after'>, options: Partial<AzureOptions> & { balancers?: number } = {}) {
  const clock = new ManualClock();
  const { balancers = 24, ...rest } = options;
  const azure = await startAzure({ clock, estate: makeEstate({ balancers }), ...rest });
  t.after(() => azure.close());
  return new Stage(azure, clock);
}

export const signal = (): AbortSignal => AbortSignal.timeout(30_000);

export class Stage {
  readonly azure: AzureCloud;
  readonly clock: ManualClock;
  readonly settings: AzureSettings;

  constructor(azure: AzureCloud, clock: ManualClock) {
    this.azure = azure;
    this.clock = clock;
    this.settings = {
      resourceManagerEndpoint: azure.endpoint,
      authorityHost: azure.authorityHost,
      ca: azure.ca,
      tenantId: azure.tenantId,
    };
  }

  /** What is held of them is of a test that moves the clock. */
  tokens(id: string): SharedTokens {
    return sharedTokens(this.azure.credential(id), this.clock);
  }

  provider(oid: string = PEOPLE.alice.oid) {
    return azureProvider(this.tokens(oid), this.settings, this.clock);
  }

  selfService(oid: string = PEOPLE.alice.oid) {
    return azureSelfService(this.tokens(oid), this.settings, this.clock);
  }

  approving(oid: string = PEOPLE.alice.oid) {
    return azureApproving(this.tokens(oid), this.settings, this.clock);
  }

  granting() {
    return azureGranting(this.tokens(CENTRAL_APP.clientId), this.settings, this.clock);
  }

  async balancers(oid: string = PEOPLE.alice.oid): Promise<LoadBalancer[]> {
    const found: LoadBalancer[] = [];
    for await (const page of this.provider(oid).inventory.list(signal())) found.push(...page.balancers);
    return found;
  }

  /** The first balancer of a kind in the subscription of that name. */
  async balancer(subscription: string, kind: LoadBalancer['kind'] = 'load-balancer'): Promise<LoadBalancer> {
    const id = this.azure.world.estate.subscriptions.find(({ name }) => name === subscription)?.id;
    const found = (await this.balancers()).find((one) => one.accountId === id && one.kind === kind);
    if (!found) throw new Error(`No ${kind} in ${subscription}`);
    return found;
  }

  async part(balancer: ResourceId, kind: Part['kind']): Promise<Part> {
    const found = (await this.provider().inventory.parts(balancer, signal())).find((one) => one.kind === kind);
    if (!found) throw new Error(`No ${kind}`);
    return found;
  }

  order(resource: ResourceId, change: Partial<Order> & { roleId?: RoleId } = {}): Order {
    return {
      grantId: randomUUID() as GrantId,
      principalId: PEOPLE.alice.oid,
      roleId: 'backends' as RoleId,
      resource,
      notAfter: this.clock.now() + 15 * MINUTE,
      reason: 'INC-7 drain web-2',
      ...change,
    };
  }

  /** What Azure would say to a person now: the judge, past everything that we say of ourselves. */
  allows(order: Order, action = 'Microsoft.Network/loadBalancers/backendAddressPools/write'): boolean {
    return this.azure.world.allows(order.principalId, action, order.resource.slice('azure:'.length));
  }
}

/** Moves time while somebody waits for it, until the answer is there. Time stands still while bytes are on their way. */
export async function whilePassing<T>(stage: Stage, by: Millis, answer: Promise<T>): Promise<T> {
  let done = false;
  const seen = answer.finally(() => {
    done = true;
  });
  seen.catch(() => undefined);
  while (!done) await stage.clock.advance(stage.clock.armed > 0 ? by : 0);
  return seen;
}

export const refTo = (balancer: LoadBalancer): ResourceRef => ({
  id: balancer.id,
  name: balancer.name,
  kind: 'Load balancer',
  balancerId: balancer.id,
  balancerName: balancer.name,
});
