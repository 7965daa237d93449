import { request } from 'node:https';
import type { TestContext } from 'node:test';
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { SubscriptionClient } from '@azure/arm-resources-subscriptions';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Estate, makeEstate } from './estate.ts';
import type { Json, JsonObject } from './json.ts';
import { objectOf } from './json.ts';
import type { Resource } from './resources.ts';
import { type AzureCloud, type AzureOptions, startAzure } from './start.ts';

export interface Answered {
  status: number;
  headers: Record<string, string | undefined>;
  body: JsonObject;
}

/** A simulated Azure on a clock that the test moves, with every client that a person would use. Gone when the test ends. */
export async function stage(t: Pick<TestContext, 'after'>, options: Partial<AzureOptions> & { clock?: ManualClock } = {}) {
  const clock = options.clock ?? new ManualClock();
  const estate: Estate = options.estate ?? makeEstate({ balancers: 24 });
  const cloud = await startAzure({ ...options, clock, estate });
  t.after(() => cloud.close());
  const client = { endpoint: cloud.endpoint, tlsOptions: { ca: cloud.ca } };
  const first = (type: string, has = ''): Resource => {
    const found = estate.resources.find((one) => one.type.endsWith(type) && JSON.stringify(one).includes(has));
    if (!found) throw new Error(`The estate has no ${type} with ${has}`);
    return found;
  };
  return {
    clock,
    cloud,
    world: cloud.world,
    /** A load balancer whose pool holds addresses. */
    get balancer() {
      return first('loadBalancers', 'loadBalancerBackendAddresses');
    },
    get gateway() {
      return first('applicationGateways');
    },
    network: (oid: string, subscription: string) => new NetworkManagementClient(cloud.credential(oid), subscription, client),
    authorization: (oid: string) =>
      new AuthorizationManagementClient(cloud.credential(oid), estate.subscriptions[0]?.id ?? '', {
        ...client,
        credentialScopes: 'https://management.azure.com/.default',
      }),
    graph: (oid: string) => new ResourceGraphClient(cloud.credential(oid), client),
    subscriptions: (oid: string) => new SubscriptionClient(cloud.credential(oid), client),
    call: (oid: string, method: string, path: string, body?: Json, headers?: Record<string, string>) =>
      call(cloud, oid, method, path, body, headers),
  };
}

export type Stage = Awaited<ReturnType<typeof stage>>;

/** The parts of an id that the clients ask for one by one. */
export function partsOf(id: string): { subscription: string; group: string; name: string } {
  const [, , subscription = '', , group = '', , , , name = ''] = id.split('/');
  return { subscription, group, name };
}

/** One call on the wire, without a client library between. */
async function call(
  cloud: AzureCloud,
  oid: string,
  method: string,
  path: string,
  body?: Json,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const token =
    headers['authorization'] ?? `Bearer ${(await cloud.credential(oid).getToken('https://management.azure.com/.default'))?.token}`;
  return new Promise((resolve, reject) => {
    const url = path.startsWith('https://') ? path : `${cloud.endpoint}${path}`;
    const sent = request(
      url,
      { method, ca: cloud.ca, agent: false, headers: { 'content-type': 'application/json', ...headers, authorization: token } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string | undefined>,
            body: text === '' ? {} : objectOf(JSON.parse(text) as Json),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The error code of a rejected call of a client library, with its HTTP status: `403 AuthorizationFailed`. */
export async function refusal(calling: Promise<unknown>): Promise<string> {
  try {
    await calling;
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    return `${statusCode ?? '-'} ${code ?? String(error)}`;
  }
  return 'no refusal';
}
