import { NetworkManagementClient } from '@azure/arm-network';
import type { Balancer } from './balancers.ts';
import type { Desk } from './desk.ts';
import type { Organisation } from './organisation.ts';

/** What the cloud really lets a person do: the verdict on everything that Portcullis says. */
export class Judge {
  readonly #organisation: Organisation;

  constructor(organisation: Organisation) {
    this.#organisation = organisation;
  }

  /**
   * The person's own write, with their own identity: puts a backend pool back as it is, the first unless told.
   * @throws Error for anything but success and Azure's refusal.
   */
  async write(desk: Desk, { subscriptionId, resourceGroup, name: balancer }: Balancer, named?: string): Promise<'allowed' | 'denied'> {
    const client = new NetworkManagementClient(desk.credential, subscriptionId, this.#organisation.clientOptions);
    const current = await client.loadBalancers.get(resourceGroup, balancer);
    const pool = current.backendAddressPools?.find(({ name }) => named === undefined || name === named);
    if (!pool?.name) throw new Error(`${balancer} has no backend pool ${named ?? 'to write'}`);
    try {
      await client.loadBalancerBackendAddressPools.createOrUpdate(resourceGroup, balancer, pool.name, pool);
      return 'allowed';
    } catch (error) {
      const { statusCode, code } = error as { statusCode?: number; code?: string };
      if (statusCode === 403 && code === 'AuthorizationFailed') return 'denied';
      throw error;
    }
  }
}
