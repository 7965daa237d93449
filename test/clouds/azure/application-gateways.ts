import { createHash } from 'node:crypto';
import type { Link } from './access.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { scopeOf } from './arm-id.ts';
import { balancerRoutes, found, type Kind, type Network } from './balancers.ts';
import { GATEWAY_CHILDREN } from './children.ts';
import { isObject, type JsonObject, objectOf, objectsOf } from './json.ts';
import { gatewayLinks } from './linked.ts';
import type { Call, Route } from './router.ts';

const TYPE = 'Microsoft.Network/applicationGateways';
const ONE = `/subscriptions/{subscription}/resourceGroups/{group}/providers/${TYPE}/{name}`;
const JOIN_SUBNET = 'Microsoft.Network/virtualNetworks/subnets/join/action';

const KIND: Kind = {
  segment: 'applicationGateways',
  collections: GATEWAY_CHILDREN,
  links: (body) => gatewayLinks(objectOf(body['properties']), isObject(body['identity']) ? body['identity'] : undefined),
  demandLinks,
  defaultSku: undefined,
  keep: (next, before) => ({
    authenticationCertificates: [],
    loadDistributionPolicies: [],
    ...next,
    frontendIPConfigurations: objectsOf(next['frontendIPConfigurations']).map((one) => ({
      ...one,
      properties: { privateIPAllocationMethod: 'Dynamic', ...objectOf(one['properties']) },
    })),
    operationalState: before?.['operationalState'] ?? 'Running',
    // Whoever connects over a private link does so from their own side.
    privateEndpointConnections: before?.['privateEndpointConnections'] ?? [],
    ...(next['trustedClientCertificates'] !== undefined && {
      trustedClientCertificates: objectsOf(next['trustedClientCertificates']).map(readCertificate),
    }),
    sslCertificates: keepCertificates(objectsOf(next['sslCertificates']), objectsOf(before?.['sslCertificates'])),
  }),
};

/** The service names a missing right on a subnet with a code of its own. */
function demandLinks({ access }: Network, call: Call, action: string, id: string, links: Link[]): void {
  const subnet = links.find((link) => link.action === JOIN_SUBNET && !access.allows(call.caller, JOIN_SUBNET, scopeOf(link.id)));
  if (subnet) {
    throw new ArmError(
      403,
      'ApplicationGatewayInsufficientPermissionOnSubnet',
      `Client with object id '${call.caller.oid}' does not have authorization to perform action '${JOIN_SUBNET}' over scope '${subnet.id}', which is required by '${id}'.`,
    );
  }
  access.demandLinked(call.caller, action, id, links);
}

/** What the service reads out of an authority's certificate. Which one it is, is told by its name here. */
function readCertificate(certificate: JsonObject): JsonObject {
  const properties = objectOf(certificate['properties']);
  const read = { validatedCertData: properties['data'], clientCertIssuerDN: `CN=${String(certificate['name'])}` };
  return { ...certificate, properties: { ...properties, ...read } };
}

/** The data of a certificate is never given back, so a body that names an existing one keeps it. */
function keepCertificates(next: JsonObject[], before: JsonObject[]): JsonObject[] {
  return next.map((certificate) => {
    const old = before.find(({ name }) => name === certificate['name']);
    const properties = { ...objectOf(old?.['properties']), ...objectOf(certificate['properties']) };
    if (properties['data'] === undefined && properties['keyVaultSecretId'] === undefined) {
      throw badRequest(
        'ApplicationGatewaySslCertificateDataMustBeSpecified',
        `Data must be specified for Certificate ${String(certificate['name'])}.`,
      );
    }
    // What the service reads out of the key file, in place of the key itself.
    const publicCertData =
      properties['publicCertData'] ??
      createHash('sha512')
        .update(String(properties['data'] ?? properties['keyVaultSecretId']))
        .digest('base64');
    return { ...certificate, properties: { ...properties, publicCertData } };
  });
}

/** Application gateways: every part is written with the whole, except start and stop. */
export function applicationGatewayRoutes(network: Network): Route[] {
  return [...balancerRoutes(network, KIND), ...(['start', 'stop'] as const).map((act) => turn(network, act))];
}

function turn(network: Network, act: 'start' | 'stop'): Route {
  return {
    method: 'POST',
    path: `${ONE}/${act}`,
    handle: (call) => {
      const id = call.path.slice(0, -act.length - 1);
      network.access.demand(call.caller, `${TYPE}/${act}/action`, id);
      network.locks.refuseWrite(id);
      const { resource } = found(network, id, TYPE);
      network.operations.refuseBusy(id);
      network.resources.put({
        ...resource,
        properties: { ...resource.properties, operationalState: act === 'start' ? 'Running' : 'Stopped' },
      });
      return { status: 202, headers: network.operations.start(call, id, resource.location, { writes: true }) };
    },
  };
}
