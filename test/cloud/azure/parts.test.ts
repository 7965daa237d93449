import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NetworkManagementClient } from '@azure/arm-network';
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import * as v from 'valibot';
import { applicationGatewayParts } from '../../../cloud/azure/application-gateway-parts.ts';
import { balancerOf } from '../../../cloud/azure/balancer.ts';
import { gatewayHealth, ruleHealth } from '../../../cloud/azure/health.ts';
import { loadBalancerParts } from '../../../cloud/azure/load-balancer-parts.ts';
import { LoadBalancer, Part } from '../../../protocol/model.ts';

const AT = 'azure:/subscriptions/subid/resourcegroups/rg1/providers/microsoft.network';

/** The real client, fed with an answer that Microsoft published. */
function clientFor(file: string): NetworkManagementClient {
  const example = JSON.parse(readFileSync(new URL(`../../clouds/azure/examples/${file}.json`, import.meta.url), 'utf8'));
  const httpClient: HttpClient = {
    sendRequest: async (request) => ({
      request,
      status: 200,
      headers: createHttpHeaders({ 'content-type': 'application/json' }),
      bodyAsText: JSON.stringify((example.responses['200'] ?? example.responses['201']).body),
    }),
  };
  const credential = { getToken: async () => ({ token: 'x', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) };
  return new NetworkManagementClient(credential, 'subid', { httpClient });
}

const lines = (parts: Part[]) =>
  parts.map(({ kind, name, detail, parentId }) => `${parentId.split('/').length > 9 ? '  ' : ''}${kind} ${name}: ${detail}`);

test("Microsoft's load balancer, in parts", async () => {
  const balancer = await clientFor('LoadBalancerCreate').loadBalancers.get('rg1', 'lb');
  const parts = loadBalancerParts(balancer);
  assert.deepEqual(lines(parts), [
    'frontend fe-lb: internal · 10.0.1.4',
    'rule rulelb: TCP 80 · to be-lb',
    'backend-pool be-lb: 0 members',
    'probe probe-lb: HTTP 80 /healthcheck.aspx · every 15 s',
    'nat-rule in-nat-rule: TCP 3389',
  ]);
  for (const part of parts) v.parse(Part, part);
  assert.equal(parts[0]?.id, `${AT}/loadbalancers/lb/frontendipconfigurations/fe-lb`);
  assert.deepEqual(v.parse(LoadBalancer, balancerOf('load-balancer', balancer)), {
    id: `${AT}/loadbalancers/lb`,
    provider: 'azure',
    kind: 'load-balancer',
    name: 'lb',
    accountId: 'subid',
    resourceGroup: 'rg1',
    location: 'eastus',
    sku: 'Basic',
    exposure: 'internal',
    tags: {},
    provisioningState: 'Succeeded',
    counts: { frontends: 1, pools: 1, rules: 1 },
  });
});

test("Microsoft's application gateway, in parts", async () => {
  const gateway = await clientFor('ApplicationGatewayCreate').applicationGateways.get('rg1', 'appgw');
  const parts = applicationGatewayParts(gateway);
  for (const part of parts) v.parse(Part, part);
  assert.deepEqual(lines(parts), [
    'frontend appgwfip: public · appgwpip',
    'listener appgwhl: HTTPS 443 · certificate sslcert',
    'certificate sslcert: uploaded',
    'certificate clientcert: trusted client',
    'backend-pool appgwpool: 2 members',
    '  member 10.0.1.1: ',
    '  member 10.0.1.2: ',
    'backend-settings appgwbhs: HTTP 80',
  ]);
});

test('routing, redirects, probes and Key Vault certificates are shown in one short line each', () => {
  const at = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/a';
  const to = (rest: string) => ({ id: `${at}/${rest}` });
  const parts = applicationGatewayParts({
    id: at,
    sslCertificates: [{ ...to('sslCertificates/site'), name: 'site', keyVaultSecretId: 'https://kv.example/secrets/site-cert/1' }],
    requestRoutingRules: [
      { ...to('requestRoutingRules/r'), name: 'r', httpListener: to('httpListeners/l'), urlPathMap: to('urlPathMaps/m'), priority: 10 },
      {
        ...to('requestRoutingRules/r2'),
        name: 'r2',
        httpListener: to('httpListeners/l'),
        redirectConfiguration: to('redirectConfigurations/d'),
      },
    ],
    urlPathMaps: [
      { ...to('urlPathMaps/m'), name: 'm', pathRules: [{ name: 'api' }], defaultBackendAddressPool: to('backendAddressPools/web') },
    ],
    rewriteRuleSets: [{ ...to('rewriteRuleSets/w'), name: 'w', rewriteRules: [{ name: 'a' }, { name: 'b' }] }],
    redirectConfigurations: [{ ...to('redirectConfigurations/d'), name: 'd', redirectType: 'Permanent', targetUrl: 'https://x.example' }],
    probes: [{ ...to('probes/p'), name: 'p', protocol: 'Https', host: 'x.example', path: '/health', interval: 30 }],
    backendAddressPools: [
      {
        ...to('backendAddressPools/web'),
        name: 'web',
        backendAddresses: [{ fqdn: 'web.example' }, { ipAddress: '10.0.0.1' }, { ipAddress: '10.0.0.1' }, {}],
      },
    ],
  });
  assert.deepEqual(lines(parts), [
    'certificate site: Key Vault · site-cert',
    'rule r: from l · path map m · priority 10',
    'rule r2: from l · redirect d',
    'path-map m: 1 path rule · else web',
    'backend-pool web: 2 members',
    '  member web.example: ',
    '  member 10.0.0.1: ',
    'probe p: HTTPS x.example/health · every 30 s',
    'rewrite-set w: 2 rules',
    'redirect d: Permanent · https://x.example',
  ]);
});

test('a certificate is shown by where it comes from, and never by what it is', async () => {
  const gateway = await clientFor('ApplicationGatewayCreate').applicationGateways.get('rg1', 'appgw');
  assert.ok(!JSON.stringify(applicationGatewayParts(gateway)).includes('****'));
});

test('the published health of a rule belongs to the rule, its probe, its pool and its member', () => {
  const pool = '/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.Network/loadBalancers/lb/backendAddressPools/be-lb';
  const nic = '/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/NIC1/ipConfigurations/ipConfig';
  const rule = {
    id: pool.replace(/backend.*/, 'loadBalancingRules/rulelb'),
    name: 'rulelb',
    backendAddressPool: { id: pool.toUpperCase() },
    probe: { id: pool.replace(/backend.*/, 'probes/p') },
  };
  const balancer = {
    id: pool.replace(/\/backend.*/, ''),
    loadBalancingRules: [rule],
    backendAddressPools: [{ id: pool, name: 'be-lb', backendIPConfigurations: [{ id: nic }] }],
  };
  const example = JSON.parse(readFileSync(new URL('../../clouds/azure/examples/LoadBalancerHealth.json', import.meta.url), 'utf8'));
  const health = ruleHealth(balancer, [rule], example.responses['200'].body);
  const up = { state: 'healthy', up: 1, total: 1 };
  const at = `${AT}/loadbalancers/lb`;
  assert.deepEqual(Object.fromEntries(health), {
    [`${at}/loadbalancingrules/rulelb`]: up,
    [`${at}/probes/p`]: up,
    [`${at}/backendaddresspools/be-lb`]: up,
    [`${at}/backendaddresspools/be-lb/members/nic1-ipconfig`]: { state: 'healthy' },
  });
  const [member] = loadBalancerParts(balancer).filter(({ kind }) => kind === 'member');
  assert.ok(member && health.has(member.id), 'the tree finds it');
});

test('the published health of a gateway counts its servers', () => {
  const example = JSON.parse(
    readFileSync(new URL('../../clouds/azure/examples/ApplicationGatewayBackendHealthGet.json', import.meta.url), 'utf8'),
  );
  const health = gatewayHealth(example.responses['200'].body);
  const pool = [...health].find(([id]) => id.endsWith('/backendaddresspools/mfpool'))?.[1];
  assert.deepEqual(pool, { state: 'healthy', up: 2, total: 2 });
  const settings = [...health].find(([id]) => id.endsWith('/backendhttpsettingscollection/mfpoolsettings'))?.[1];
  assert.deepEqual(settings, { state: 'healthy', up: 3, total: 3 });
});

test('a member that is down under one of several settings is down', () => {
  const pool = { id: `${AT.slice('azure:'.length)}/applicationgateways/a/backendaddresspools/p` };
  const server = (address: string, health: string) => ({ address, health });
  const health = gatewayHealth({
    backendAddressPools: [
      {
        backendAddressPool: pool,
        backendHttpSettingsCollection: [
          { backendHttpSettings: { id: '/s/1' }, servers: [server('10.0.0.1', 'Up'), server('10.0.0.2', 'Up')] },
          { backendHttpSettings: { id: '/s/2' }, servers: [server('10.0.0.1', 'Down'), server('10.0.0.2', 'Draining')] },
        ],
      },
    ],
  });
  assert.deepEqual(health.get(`azure:${pool.id}` as Part['id']), { state: 'degraded', up: 1, total: 2 });
});

test('a balancer without parts, or without an id, has none', () => {
  assert.deepEqual(loadBalancerParts({ id: '/x' }), []);
  assert.deepEqual(applicationGatewayParts({}), []);
  assert.equal(balancerOf('load-balancer', {}), undefined);
  assert.equal(balancerOf('load-balancer', { id: '/subscriptions/s/resourceGroups/g/providers/x/y/z' })?.exposure, 'unknown');
});
