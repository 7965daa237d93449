import type {
  ApplicationGateway,
  ApplicationGatewayBackendAddressPool,
  ApplicationGatewayFrontendIPConfiguration,
  ApplicationGatewayHttpListener,
  ApplicationGatewayListener,
  ApplicationGatewayProbe,
  ApplicationGatewaySslCertificate,
  SubResource,
} from '@azure/arm-network';
import type { Part } from '../../protocol/model.ts';
import { type Draft, detail, lastName, partsOf, protocol, seconds } from './part.ts';
import { MEMBERS } from './resource-id.ts';

/** The parts of an application gateway in tree order: what faces the caller first, then routing, then the backends. */
export function applicationGatewayParts(gateway: ApplicationGateway): Part[] {
  const portOf = new Map((gateway.frontendPorts ?? []).map(({ id, port }) => [id?.toLowerCase(), port]));
  const listener = (one: ApplicationGatewayHttpListener | ApplicationGatewayListener): Draft => ({
    kind: 'listener',
    id: one.id,
    name: one.name,
    detail: detail(
      `${protocol(one.protocol)} ${portOf.get(one.frontendPort?.id?.toLowerCase()) ?? ''}`,
      hosts(one),
      named('certificate', one.sslCertificate),
    ),
  });
  return partsOf(gateway.id, [
    ...(gateway.frontendIPConfigurations ?? []).map(
      (one): Draft => ({ kind: 'frontend', id: one.id, name: one.name, detail: address(one) }),
    ),
    ...[...(gateway.httpListeners ?? []), ...(gateway.listeners ?? [])].map(listener),
    ...(gateway.sslCertificates ?? []).map((one): Draft => ({ kind: 'certificate', id: one.id, name: one.name, detail: source(one) })),
    ...(gateway.trustedRootCertificates ?? []).map(
      (one): Draft => ({ kind: 'certificate', id: one.id, name: one.name, detail: 'trusted root' }),
    ),
    ...(gateway.trustedClientCertificates ?? []).map(
      (one): Draft => ({ kind: 'certificate', id: one.id, name: one.name, detail: 'trusted client' }),
    ),
    ...(gateway.requestRoutingRules ?? []).map(
      (one): Draft => ({
        kind: 'rule',
        id: one.id,
        name: one.name,
        detail: detail(
          named('from', one.httpListener),
          named('to', one.backendAddressPool) ?? named('path map', one.urlPathMap) ?? named('redirect', one.redirectConfiguration),
          priority(one.priority),
        ),
      }),
    ),
    ...(gateway.routingRules ?? []).map(
      (one): Draft => ({
        kind: 'rule',
        id: one.id,
        name: one.name,
        detail: detail(named('from', one.listener), named('to', one.backendAddressPool), priority(one.priority)),
      }),
    ),
    ...(gateway.urlPathMaps ?? []).map(
      (one): Draft => ({
        kind: 'path-map',
        id: one.id,
        name: one.name,
        detail: detail(
          countOf(one.pathRules?.length ?? 0, 'path rule'),
          named('else', one.defaultBackendAddressPool ?? one.defaultRedirectConfiguration),
        ),
      }),
    ),
    ...(gateway.backendAddressPools ?? []).flatMap(poolAndMembers),
    ...[...(gateway.backendHttpSettingsCollection ?? []), ...(gateway.backendSettingsCollection ?? [])].map(
      (one): Draft => ({
        kind: 'backend-settings',
        id: one.id,
        name: one.name,
        detail: detail(`${protocol(one.protocol)} ${one.port ?? ''}`, named('probe', one.probe)),
      }),
    ),
    ...(gateway.probes ?? []).map((one): Draft => ({ kind: 'probe', id: one.id, name: one.name, detail: probe(one) })),
    ...(gateway.rewriteRuleSets ?? []).map(
      (one): Draft => ({ kind: 'rewrite-set', id: one.id, name: one.name, detail: countOf(one.rewriteRules?.length ?? 0, 'rule') }),
    ),
    ...(gateway.redirectConfigurations ?? []).map(
      (one): Draft => ({
        kind: 'redirect',
        id: one.id,
        name: one.name,
        detail: detail(one.redirectType, named('to', one.targetListener) ?? one.targetUrl),
      }),
    ),
  ]);
}

function poolAndMembers(pool: ApplicationGatewayBackendAddressPool): Draft[] {
  const fixed = (pool.backendAddresses ?? []).map((one) => one.fqdn ?? one.ipAddress);
  const attached = (pool.backendIPConfigurations ?? []).map((one) => one.privateIPAddress ?? lastName(one.id));
  const members = [...new Set([...fixed, ...attached])].filter((one) => one !== undefined && one !== '');
  return [
    { kind: 'backend-pool', id: pool.id, name: pool.name, detail: countOf(members.length, 'member') },
    ...members.map((name): Draft => ({ kind: 'member', id: `${pool.id}/${MEMBERS}/${name}`, parent: pool.id, name, detail: '' })),
  ];
}

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
const named = (word: string, to: SubResource | undefined): string | undefined => (to?.id ? `${word} ${lastName(to.id)}` : undefined);
const priority = (value: number | undefined): string | undefined => (value === undefined ? undefined : `priority ${value}`);

function hosts(one: ApplicationGatewayHttpListener | ApplicationGatewayListener): string | undefined {
  const names = [...('hostName' in one && one.hostName ? [one.hostName] : []), ...(one.hostNames ?? [])];
  return names.length === 0 ? undefined : [...new Set(names)].join(', ');
}

/** Only where it comes from: what Azure gives of the certificate itself is not read. */
const source = (one: ApplicationGatewaySslCertificate): string =>
  one.keyVaultSecretId ? detail('Key Vault', one.keyVaultSecretId.split('/secrets/')[1]?.split('/')[0]) : 'uploaded';

const probe = (one: ApplicationGatewayProbe): string =>
  detail(
    `${protocol(one.protocol)} ${one.host ?? ''}${one.path ?? ''}`,
    one.interval === undefined ? undefined : `every ${seconds(one.interval)}`,
  );

const address = (one: ApplicationGatewayFrontendIPConfiguration): string =>
  one.publicIPAddress ? detail('public', lastName(one.publicIPAddress.id)) : detail('internal', one.privateIPAddress);
