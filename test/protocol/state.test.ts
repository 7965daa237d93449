import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOpen, mayGrantMove, mayRequestMove, mayStand } from '../../protocol/lifecycle.ts';
import { GrantState, RequestState } from '../../protocol/model.ts';
import { type Change, type DaemonState, reduce, shownState } from '../../protocol/state.ts';
import { ALICE, grantId, RESOURCE, ROLE, requestId } from '../daemon/support/cloud.ts';

const EMPTY: DaemonState = {
  daemon: { instance: 'i', version: '1', pid: 1, startedAt: 0, stopping: false },
  signIns: [],
  central: { state: 'connected', since: 0 },
  requests: {},
  grants: {},
  inventory: { revision: 0, refreshing: false },
};
const role = { id: ROLE.id, title: ROLE.title, enforcement: ROLE.enforcement };
const grantOf = (n: number, state: GrantState, authority: 'central' | 'pim' = 'central') => ({
  id: grantId(n),
  requestId: requestId(n),
  authority,
  resource: RESOURCE,
  role,
  holder: ALICE,
  mine: true,
  reason: 'r',
  state,
  createdAt: 0,
  notAfter: 1,
  extendable: { ok: false },
});

const n = fc.integer({ min: 1, max: 4 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(n, fc.constantFrom(...GrantState.options)).map(([at, state]): Change => ({ type: 'grant', grant: grantOf(at, state) })),
  n.map((at): Change => ({ type: 'grant.forgotten', grantId: grantId(at) })),
  n.map((at): Change => ({ type: 'request.forgotten', requestId: requestId(at) })),
  fc.constantFrom('connected', 'lost', 'connecting').map((state): Change => ({ type: 'central', contact: { state, since: 1 } })),
  fc.option(fc.string()).map((unhealthy): Change => ({ type: 'health', ...(unhealthy === null ? {} : { unhealthy }) })),
  fc.nat().map((revision): Change => ({ type: 'inventory', inventory: { revision, refreshing: false } })),
  fc.constantFrom('signed in', 'signed out').map((state): Change => ({ type: 'sign-in', signIn: { to: 'azure', state } })),
  fc.constant<Change>({ type: 'stopping' }),
);

test('a snapshot and what came after it give the same state as everything from the start', () => {
  fc.assert(
    fc.property(fc.array(change), fc.nat(), (changes, pick) => {
      const at = pick % (changes.length + 1);
      const whole = changes.reduce(reduce, EMPTY);
      const snapshot = JSON.parse(JSON.stringify(changes.slice(0, at).reduce(reduce, EMPTY))) as DaemonState;
      assert.deepEqual(JSON.parse(JSON.stringify(changes.slice(at).reduce(reduce, snapshot))), JSON.parse(JSON.stringify(whole)));
    }),
  );
});

test('taking a change in twice is taking it in once, and nothing is changed in place', () => {
  fc.assert(
    fc.property(fc.array(change), change, (changes, last) => {
      const before = changes.reduce(reduce, EMPTY);
      const copy = structuredClone(before);
      const once = reduce(before, last);
      assert.deepEqual(before, copy);
      assert.deepEqual(reduce(once, last), once);
    }),
  );
});

test('with lost contact nothing of central is shown as good news, and everything else as it is', () => {
  for (const contact of ['connected', 'connecting', 'lost', 'not used'] as const) {
    for (const state of GrantState.options) {
      const now = { central: { state: contact, since: 0 } };
      assert.equal(shownState(grantOf(1, state, 'pim'), now), state);
      const shown = shownState(grantOf(1, state), now);
      if (contact === 'connected') assert.equal(shown, state);
      else assert.ok(shown !== 'assigned' && shown !== 'usable');
    }
  }
});

test('the ends of a life are ends, every state leads to one, and gone is reached only by revoking', () => {
  const reach = (from: GrantState, seen = new Set<GrantState>()): Set<GrantState> => {
    for (const to of GrantState.options) {
      if (!mayGrantMove(from, to) || seen.has(to)) continue;
      seen.add(to);
      reach(to, seen);
    }
    return seen;
  };
  for (const state of GrantState.options) {
    if (mayStand(state)) assert.ok(reach(state).has('gone'), `${state} can be ended`);
    else assert.equal(reach(state).size, 0, `${state} is an end`);
    if (state !== 'revoking') assert.equal(mayGrantMove(state, 'gone'), false, `${state} → gone`);
    assert.equal(mayGrantMove(state, state), false);
  }
  for (const state of RequestState.options) {
    if (isOpen(state)) assert.ok(mayRequestMove(state, 'cancelled') && mayRequestMove(state, 'denied'));
    assert.equal(mayRequestMove(state, 'requested'), false, 'nothing goes back');
  }
});
