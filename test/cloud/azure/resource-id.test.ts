import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { armId, comparable, isWithin, kindOf, parseResource, resourceId, roleGuid } from '../../../cloud/azure/resource-id.ts';
import { ResourceId } from '../../../protocol/ids.ts';

const guid = fc.uuid();
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/);
/** Groups may have letters of any script, spaces and brackets. */
const group = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !text.includes('/') && text.trim() === text && text.isWellFormed());
const type = fc.constantFrom('loadBalancers', 'applicationGateways', 'LOADBALANCERS');
const part = fc.record({ type: fc.constantFrom('backendAddressPools', 'probes', 'inboundNatRules'), name });

const ids = fc.record({ guid, group, type, name, parts: fc.array(part, { maxLength: 2 }) }).map((one) => ({
  ...one,
  id: [
    `/subscriptions/${one.guid}/resourceGroups/${one.group}/providers/Microsoft.Network/${one.type}/${one.name}`,
    ...one.parts.map((child) => `${child.type}/${child.name}`),
  ].join('/'),
}));

test('an id survives the way to Portcullis and back, but for its case', () => {
  fc.assert(
    fc.property(ids, ({ id }) => {
      const ours = resourceId(id);
      assert.equal(v.parse(ResourceId, ours), ours);
      assert.equal(armId(ours), id.toLowerCase().toWellFormed());
    }),
  );
});

test('ids that Azure takes for the same are the same', () => {
  const plain = ids.filter(({ group: text }) => /^[!-~]+$/.test(text));
  fc.assert(fc.property(plain, ({ id }) => assert.equal(resourceId(`${id.toUpperCase()}/`), resourceId(id))));
});

test('an id comes apart into what it was made of', () => {
  fc.assert(
    fc.property(ids, ({ id, ...made }) => {
      const parsed = parseResource(resourceId(id));
      assert.ok(parsed);
      assert.equal(parsed.subscriptionId, made.guid.toLowerCase());
      assert.equal(parsed.resourceGroup, made.group.toLowerCase());
      assert.equal(parsed.balancerName, made.name.toLowerCase());
      assert.equal(parsed.balancerKind, made.type === 'applicationGateways' ? 'application-gateway' : 'load-balancer');
      assert.deepEqual(
        parsed.below,
        made.parts.map((child) => ({ type: child.type.toLowerCase(), name: child.name.toLowerCase() })),
      );
      assert.ok(isWithin(parsed.armId, parsed.balancerArmId));
    }),
  );
});

test('anything else comes apart into nothing, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `azure:/${text}`),
      ),
      (text) => {
        const parsed = parseResource(text as ResourceId);
        assert.ok(parsed === undefined || parsed.armId.includes('/providers/microsoft.network/'));
      },
    ),
  );
  for (const id of [
    'azure:/subscriptions/s',
    'azure:/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/v',
    'aws:x',
    'azure:/%',
  ]) {
    assert.equal(parseResource(id as ResourceId), undefined, id);
  }
});

test('a part that Azure can address has a kind of its own; a member has none', () => {
  const at = (rest: string) => {
    const parsed = parseResource(resourceId(`/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/${rest}`));
    return parsed && kindOf(parsed);
  };
  assert.equal(at('loadBalancers/l'), 'load-balancer');
  assert.equal(at('loadBalancers/l/backendAddressPools/p'), 'load-balancer/backend-pool');
  assert.equal(at('applicationGateways/a/sslCertificates/c'), 'application-gateway/certificate');
  assert.equal(at('loadBalancers/l/backendAddressPools/p/members/m'), undefined);
  assert.equal(at('loadBalancers/l/somethingNew/x'), undefined);
});

test('scopes compare as Azure compares them', () => {
  assert.equal(comparable('/providers/Microsoft.Subscription/subscriptions/S/'), '/subscriptions/s');
  assert.equal(comparable('//subscriptions//S'), '/subscriptions/s');
  assert.equal(comparable(''), '/');
  assert.ok(isWithin('/subscriptions/s/resourceGroups/g', '/subscriptions/S'));
  assert.ok(!isWithin('/subscriptions/s2', '/subscriptions/s'));
  assert.ok(isWithin('/subscriptions/s', '/'));
});

test('the role is the last segment, whatever scope its id is seen at', () => {
  assert.equal(roleGuid('/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/ABC'), 'abc');
  assert.equal(roleGuid('/providers/Microsoft.Authorization/roleDefinitions/abc'), 'abc');
});
