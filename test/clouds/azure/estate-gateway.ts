import { createHash } from 'node:crypto';
import { idOf, type Place, tagsOf } from './estate-balancers.ts';
import { networkId } from './estate-load-balancer.ts';
import type { JsonObject } from './json.ts';
import type { Resource } from './resources.ts';

/** An application gateway: listeners with certificates, rules, path maps, pools, probes and, in production, a firewall. */
export function makeGateway(place: Place): Resource {
  const name = `agw-${place.stem}`;
  const id = idOf(place, 'applicationGateways', name);
  const child = (collection: string, one: string): JsonObject => ({ id: `${id}/${collection}/${one}` });
  const firewall = place.env === 'prod';
  const sku = firewall ? 'WAF_v2' : 'Standard_v2';
  const paths = place.random() < 0.5;
  const host = `${place.workload}.${place.env === 'prod' ? '' : `${place.env}.`}fjordretail.example`;
  return {
    id,
    name,
    type: 'Microsoft.Network/applicationGateways',
    location: place.region,
    tags: tagsOf(place),
    zones: ['1', '2', '3'],
    properties: {
      operationalState: 'Running',
      authenticationCertificates: [],
      loadDistributionPolicies: [],
      privateEndpointConnections: [],
      sku: { name: sku, tier: sku, family: 'Generation_1' },
      autoscaleConfiguration: { minCapacity: 2, maxCapacity: 10 },
      enableHttp2: true,
      gatewayIPConfigurations: [{ name: 'gateway', properties: { subnet: { id: `${networkId(place)}/subnets/gateway` } } }],
      frontendIPConfigurations: [frontend(place)],
      frontendPorts: [
        { name: 'http', properties: { port: 80 } },
        { name: 'https', properties: { port: 443 } },
      ],
      sslCertificates: [certificate(place, host)],
      backendAddressPools: pools(place, paths),
      backendHttpSettingsCollection: [
        {
          name: 'tls',
          properties: {
            port: 8443,
            protocol: 'Https',
            cookieBasedAffinity: 'Disabled',
            requestTimeout: 30,
            pickHostNameFromBackendAddress: false,
            probe: child('probes', 'health'),
          },
        },
      ],
      probes: [
        {
          name: 'health',
          properties: {
            protocol: 'Https',
            host,
            path: '/healthz',
            interval: 30,
            timeout: 30,
            unhealthyThreshold: 3,
            pickHostNameFromBackendHttpSettings: false,
            minServers: 0,
            match: { statusCodes: ['200-399'] },
          },
        },
      ],
      httpListeners: [listener('https', place, host, child, child('sslCertificates', 'site')), listener('http', place, host, child)],
      redirectConfigurations: [
        {
          name: 'to-https',
          properties: {
            redirectType: 'Permanent',
            targetListener: child('httpListeners', 'https'),
            includePath: true,
            includeQueryString: true,
          },
        },
      ],
      urlPathMaps: paths ? [pathMap(child)] : [],
      rewriteRuleSets: place.random() < 0.3 ? [rewrites()] : [],
      requestRoutingRules: [
        rule(
          'https',
          100,
          child,
          paths
            ? { ruleType: 'PathBasedRouting', urlPathMap: child('urlPathMaps', 'paths') }
            : {
                ruleType: 'Basic',
                backendAddressPool: child('backendAddressPools', 'web'),
                backendHttpSettings: child('backendHttpSettingsCollection', 'tls'),
              },
        ),
        rule('http', 200, child, { ruleType: 'Basic', redirectConfiguration: child('redirectConfigurations', 'to-https') }),
      ],
      ...(firewall && {
        firewallPolicy: { id: idOf(place, 'ApplicationGatewayWebApplicationFirewallPolicies', `waf-${place.stem}`) },
      }),
    },
  };
}

function frontend(place: Place): JsonObject {
  return place.public
    ? {
        name: 'public',
        properties: {
          privateIPAllocationMethod: 'Dynamic',
          publicIPAddress: { id: idOf(place, 'publicIPAddresses', `pip-${place.stem}`) },
        },
      }
    : {
        name: 'internal',
        properties: {
          privateIPAddress: `10.${place.network}.1.10`,
          privateIPAllocationMethod: 'Static',
          subnet: { id: `${networkId(place)}/subnets/gateway` },
        },
      };
}

function certificate(place: Place, host: string): JsonObject {
  const publicCertData = createHash('sha512').update(host).digest('base64');
  const vault = `https://kv-${place.workload}-${place.env}.vault.azure.net/secrets/site`;
  return {
    name: 'site',
    properties: place.random() < 0.6 ? { publicCertData, keyVaultSecretId: vault } : { publicCertData, data: publicCertData },
  };
}

function pools(place: Place, paths: boolean): JsonObject[] {
  return (paths ? ['web', 'api'] : ['web']).map((name, index) => ({
    name,
    properties: {
      backendAddresses: Array.from({ length: 2 + Math.floor(place.random() * 2) }, (_, member) => ({
        ipAddress: `10.${place.network}.4.${100 + index * 20 + member}`,
      })),
    },
  }));
}

type Child = (collection: string, one: string) => JsonObject;

const listener = (name: string, place: Place, host: string, child: Child, certificateOf?: JsonObject): JsonObject => ({
  name,
  properties: {
    frontendIPConfiguration: child('frontendIPConfigurations', place.public ? 'public' : 'internal'),
    frontendPort: child('frontendPorts', name),
    protocol: certificateOf ? 'Https' : 'Http',
    hostName: host,
    hostNames: [],
    requireServerNameIndication: certificateOf !== undefined,
    ...(certificateOf && { sslCertificate: certificateOf }),
  },
});

const rule = (name: string, priority: number, child: Child, target: JsonObject): JsonObject => ({
  name,
  properties: { priority, httpListener: child('httpListeners', name), ...target },
});

const pathMap = (child: Child): JsonObject => ({
  name: 'paths',
  properties: {
    defaultBackendAddressPool: child('backendAddressPools', 'web'),
    defaultBackendHttpSettings: child('backendHttpSettingsCollection', 'tls'),
    pathRules: [
      {
        name: 'api',
        properties: {
          paths: ['/api/*'],
          backendAddressPool: child('backendAddressPools', 'api'),
          backendHttpSettings: child('backendHttpSettingsCollection', 'tls'),
        },
      },
    ],
  },
});

const rewrites = (): JsonObject => ({
  name: 'headers',
  properties: {
    rewriteRules: [
      {
        name: 'strict-transport',
        ruleSequence: 100,
        conditions: [],
        actionSet: {
          requestHeaderConfigurations: [],
          responseHeaderConfigurations: [{ headerName: 'Strict-Transport-Security', headerValue: 'max-age=31536000' }],
        },
      },
    ],
  },
});
