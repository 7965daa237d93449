import { resourceNotFound } from './arm-error.ts';
import { scopeOf, topOf } from './arm-id.ts';
import { found, type Network } from './balancers.ts';
import { type JsonObject, objectOf, objectsOf, textOf } from './json.ts';
import type { Stored } from './resources.ts';
import type { Route } from './router.ts';

/** Which backend addresses do not answer their probe. All others do. */
export class Health {
  readonly #down: Set<string>;

  constructor(down: readonly string[]) {
    this.#down = new Set(down);
  }

  set(address: string, up: boolean): void {
    if (up) this.#down.delete(address);
    else this.#down.add(address);
  }

  up(address: string): boolean {
    return !this.#down.has(address);
  }
}

const GROUP = '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network';
const BALANCER = 'Microsoft.Network/loadBalancers';
const GATEWAY = 'Microsoft.Network/applicationGateways';

/** Health of backends: long-running actions that a Reader may not start. */
export function healthRoutes(network: Network, health: Health): Route[] {
  return [
    {
      method: 'POST',
      path: `${GROUP}/loadBalancers/{name}/loadBalancingRules/{rule}/health`,
      handle: (call) => {
        const id = call.path.slice(0, -'/health'.length);
        network.access.demand(call.caller, `${BALANCER}/loadBalancingRules/health/action`, id);
        const stored = found(network, topOf(call.path), BALANCER);
        const rule = objectsOf(stored.resource.properties['loadBalancingRules']).find(
          ({ name }) => String(name).toLowerCase() === call.param('rule').toLowerCase(),
        );
        if (!rule) throw resourceNotFound(`${BALANCER}/loadBalancingRules`, call.param('rule'), call.param('group'));
        const result = () => ruleHealth(stored, rule, health);
        return { status: 202, headers: network.operations.start(call, stored.resource.id, stored.resource.location, { result }) };
      },
    },
    {
      method: 'POST',
      path: `${GROUP}/applicationGateways/{name}/backendhealth`,
      handle: (call) => {
        const id = topOf(call.path);
        network.access.demand(call.caller, `${GATEWAY}/backendhealth/action`, id);
        network.locks.refuseWrite(id);
        const stored = found(network, id, GATEWAY);
        return {
          status: 202,
          headers: network.operations.start(call, id, stored.resource.location, { result: () => gatewayHealth(stored, health) }),
        };
      },
    },
  ];
}

interface Member {
  address: string;
  interfaceConfiguration?: string | undefined;
}

function members(pool: JsonObject): Member[] {
  const properties = objectOf(pool['properties']);
  const byAddress = objectsOf(properties['loadBalancerBackendAddresses']).map((one) => ({
    address: textOf(objectOf(one['properties'])['ipAddress']) ?? '',
  }));
  const byInterface = objectsOf(properties['backendIPConfigurations']).map((one) => {
    const id = String(one['id']);
    return { address: id.toLowerCase(), interfaceConfiguration: id };
  });
  return [...byAddress, ...byInterface].filter(({ address }) => address !== '');
}

function ruleHealth({ resource }: Stored, rule: JsonObject, health: Health): JsonObject {
  const target = scopeOf(textOf(objectOf(objectOf(rule['properties'])['backendAddressPool'])['id']) ?? '');
  const pool = objectsOf(resource.properties['backendAddressPools']).find(
    ({ name }) => scopeOf(`${resource.id}/backendAddressPools/${String(name)}`) === target,
  );
  const all = pool ? members(pool) : [];
  const up = all.filter(({ address }) => health.up(address)).length;
  return {
    up,
    down: all.length - up,
    loadBalancerBackendAddresses: all.map(({ address, interfaceConfiguration }) => ({
      ipAddress: interfaceConfiguration ? '' : address,
      ...(interfaceConfiguration && { networkInterfaceIPConfigurationId: interfaceConfiguration }),
      state: health.up(address) ? 'Up' : 'Down',
      reason: health.up(address) ? 'Up_Probe_Success' : 'Down_Probe_HttpStatusCodeError',
    })),
  };
}

function gatewayHealth({ resource }: Stored, health: Health): JsonObject {
  const { properties } = resource;
  const settings = objectsOf(properties['backendHttpSettingsCollection']);
  return {
    backendAddressPools: objectsOf(properties['backendAddressPools']).map((pool) => {
      const servers = objectsOf(objectOf(pool['properties'])['backendAddresses']).map(
        (one) => textOf(one['ipAddress']) ?? textOf(one['fqdn']) ?? '',
      );
      return {
        backendAddressPool: { id: `${resource.id}/backendAddressPools/${String(pool['name'])}` },
        backendHttpSettingsCollection: settings.slice(0, 1).map((setting) => ({
          backendHttpSettings: { id: `${resource.id}/backendHttpSettingsCollection/${String(setting['name'])}` },
          servers: servers.map((address) => ({
            address,
            health: health.up(address) ? 'Healthy' : 'Unhealthy',
            ...(!health.up(address) && { healthProbeLog: 'Received invalid status code: 503 in the backend server’s HTTP response.' }),
          })),
        })),
      };
    }),
  };
}
