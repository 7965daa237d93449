import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ArmError } from './arm-error.ts';
import { scopeOf, topOf, typeOf } from './arm-id.ts';
import { formatDuration, parseDuration } from './iso-duration.ts';
import { parseFilter } from './odata-filter.ts';

test('a duration that is written is read as the same length of time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 * 24 * 3_600 }), (seconds) => {
      assert.equal(parseDuration(formatDuration(seconds * 1_000)), seconds * 1_000);
    }),
  );
  assert.deepEqual(
    ['PT15M', 'PT8H', 'P1DT2H', 'P90D', 'PT1.5S'].map(parseDuration),
    [900_000, 28_800_000, 93_600_000, 7_776_000_000, 1_500],
  );
  for (const wrong of ['', 'P', 'PT', '15M', 'PT15', 'P1M', 'pt15m', 'PT-5M']) assert.equal(parseDuration(wrong), undefined, wrong);
});

test('a scope is one text however its id was written', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9.-]{1,8}$/);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
      const scope = scopeOf(segments.join('/'));
      for (const other of [`/${segments.join('/')}`, `//${segments.join('//')}/`, segments.join('/').toUpperCase()])
        assert.equal(scopeOf(other), scope);
      assert.equal(scopeOf(scope), scope);
    }),
  );
  assert.equal(scopeOf(''), '/');
  assert.equal(scopeOf('providers/Microsoft.Subscription/subscriptions/X'), '/subscriptions/x');
});

test('an id tells its type and its top resource', () => {
  const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb/probes/p';
  assert.equal(typeOf(id), 'Microsoft.Network/loadBalancers/probes');
  assert.equal(topOf(id), '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb');
  assert.equal(typeOf('/subscriptions/s'), undefined);
});

test('a filter is understood whole or refused', () => {
  const filter = parseFilter("atScope() and assignedTo('ABC') and roleDefinitionId eq '/x/roleDefinitions/DEF'");
  assert.deepEqual([filter.atScope, filter.assignedTo, filter.roleGuid], [true, 'abc', 'def']);
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseFilter(text);
      } catch (error) {
        assert.ok(error instanceof ArmError && error.code === 'InvalidFilter');
      }
    }),
  );
  assert.throws(() => parseFilter("atScope() or principalId eq 'x'"), ArmError);
});
