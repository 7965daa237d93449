import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { status } from '../../../extension/words/status.ts';
import { timeWords } from '../../../extension/words/time.ts';
import type { Grant, GrantState } from '../../../protocol/model.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { BEN, EDGE, NOON, refOf } from '../../daemon/cli/estate.ts';
import { grantNumber, pending, view } from '../views.ts';

const time = timeWords('UTC');
const MINUTE = 60_000;
const onEdge = { resource: refOf(EDGE) };

describe('the status bar', () => {
  it('is hidden while nothing is held and nothing waits', () => {
    assert.equal(status(view(), NOON, time), undefined);
    assert.equal(status(view([grantNumber(1, { mine: false })]), NOON, time), undefined);
    assert.equal(status(view([grantNumber(1, { state: 'gone' }), grantNumber(2, { state: 'failed' })]), NOON, time), undefined);
  });

  it('counts down to the end of the grant that ends first, and counts the others', () => {
    const first = grantNumber(1, { ...onEdge, notAfter: NOON + 42 * MINUTE });
    const later = grantNumber(2, { notAfter: NOON + 50 * MINUTE });
    const shown = status(view([later, first]), NOON, time);
    assert.equal(shown?.text, '$(unlock) prod-edge 42m +1');
    assert.equal(shown?.background, undefined);
    assert.equal(shown?.label, 'Elevated on prod-edge as Backend members, 42 minutes left, and 1 more');
  });

  it('goes on counting when an extension takes over from the grant that it follows, and only then', () => {
    const over = { ...onEdge, state: 'gone' as const, endReason: 'superseded' as const, usableAt: NOON - MINUTE };
    const extension = { ...onEdge, state: 'assigned' as const, notAfter: NOON + 42 * MINUTE, follows: grantNumber(1).id };
    const textOf = (first: object, second: object) => status(view([grantNumber(1, first), grantNumber(2, second)]), NOON, time)?.text;
    assert.equal(textOf(over, extension), '$(unlock) prod-edge 42m');
    const activating = '$(sync~spin) Activating prod-edge';
    assert.equal(textOf({ ...over, usableAt: undefined }, extension), activating);
    assert.equal(textOf({ ...over, endReason: 'expired' }, extension), activating);
    assert.equal(textOf(over, { ...extension, state: 'activating' }), activating);
    assert.match(textOf(over, { ...extension, state: 'unknown' }) ?? '', /unknown/);
  });

  it('warns in the last five minutes, to the second', () => {
    const shown = status(view([grantNumber(1, { ...onEdge, notAfter: NOON + 5 * MINUTE - 1_000 })]), NOON, time);
    assert.equal(shown?.text, '$(unlock) prod-edge 4:59');
    assert.equal(shown?.background, 'warning');
    assert.match(shown?.label ?? '', /4 minutes left/);
  });

  it('says what it waits for', () => {
    const shown = status(view([], [pending({ approvers: { needed: 1, people: [BEN] } })]), NOON, time);
    assert.equal(shown?.text, '$(clock) Waiting for approval');
    assert.match(shown?.tooltip ?? '', /waiting for Ben Okafor/);
  });

  it('says activating until use is proven, and revoking until denial is', () => {
    for (const state of ['activating', 'assigned'] as const) {
      assert.equal(status(view([grantNumber(1, { ...onEdge, state })]), NOON, time)?.text, '$(sync~spin) Activating prod-edge');
    }
    const awaiting = 'Waiting until Azure denies access';
    const revoking = status(view([grantNumber(1, { ...onEdge, state: 'revoking', awaiting })]), NOON, time);
    assert.equal(revoking?.text, '$(sync~spin) Revoking prod-edge');
    assert.match(revoking?.tooltip ?? '', /until Azure denies access/);
  });

  it('says before anything else that something cannot be revoked, why, and what to do', () => {
    const problem = { code: 'locked', message: 'A lock keeps it.', wayOut: 'Remove the lock.' };
    const stuck = grantNumber(1, { ...onEdge, state: 'revoking', awaiting: 'Asking Azure', problem });
    const shown = status(view([stuck, grantNumber(2)]), NOON, time);
    assert.equal(shown?.text, '$(warning) Cannot revoke prod-edge +1');
    assert.equal(shown?.background, 'warning');
    assert.match(
      shown?.tooltip ?? '',
      /^A lock keeps it\. Remove the lock\.\nPortcullis goes on trying\.\nBackend members on .*: usable\n/,
    );
    assert.match(shown?.label ?? '', /cannot be revoked: A lock keeps it\. Remove the lock\./);
    const passing = { ...stuck, problem: { code: 'timed-out', message: 'Azure did not answer in time.' } };
    assert.equal(status(view([passing]), NOON, time)?.text, '$(sync~spin) Revoking prod-edge', 'what time may mend is no alarm');
    assert.match(status(view([stuck], [], { link: { state: 'lost', why: 'closed' } }), NOON, time)?.text ?? '', /unknown/);
  });

  it('does not call ended what has only run out', () => {
    const shown = status(view([grantNumber(1, { ...onEdge, notAfter: NOON - 1 })]), NOON, time);
    assert.equal(shown?.text, '$(sync~spin) Ending prod-edge');
  });

  it('says unknown when contact is lost, with the daemon or with the authority, and then only', () => {
    const held = grantNumber(1, onEdge);
    const lost = status(view([held], [], { link: { state: 'lost', why: 'closed' } }), NOON, time);
    assert.equal(lost?.text, '$(warning) Access state unknown');
    assert.equal(lost?.background, 'error');
    const { state } = view([held]);
    assert.ok(state);
    const central = { ...state, central: { state: 'lost' as const, since: NOON, problem: 'central does not answer' } };
    const without = status(view([], [], { state: central }), NOON, time);
    assert.equal(without?.text, '$(warning) Access state unknown');
    assert.match(without?.label ?? '', /central does not answer/);
    assert.equal(status(view([], [], { link: { state: 'lost', why: 'closed' } }), NOON, time), undefined);
    assert.ok(status(view([], [], { link: { state: 'absent', problem: 'no node' }, heldBefore: true }), NOON, time));
  });

  it('says unknown while a reloaded window connects, when something was held before', () => {
    const reloaded = status(view([], [], { link: { state: 'connecting' }, heldBefore: true }), NOON, time);
    assert.equal(reloaded?.text, '$(warning) Access state unknown');
    assert.match(reloaded?.label ?? '', /Connecting to the Portcullis daemon/);
    assert.equal(status(view([], [], { link: { state: 'connecting' } }), NOON, time), undefined);
  });

  it('says unknown while the daemon does not know what it held before, and counts down what has begun since a damage', () => {
    const held = [grantNumber(1, { ...onEdge, notAfter: NOON + 42 * MINUTE })];
    const heldUnknown = 'The journal was damaged';
    const told = (grants: Grant[], more: Partial<DaemonState>) => {
      const shown = view(grants);
      assert.ok(shown.state);
      return status({ ...shown, state: { ...shown.state, heldUnknown, ...more } }, NOON, time);
    };
    assert.equal(told([], {})?.text, '$(warning) Access state unknown');
    assert.match(told([], {})?.label ?? '', /The journal was damaged/);
    assert.equal(told(held, {})?.text, '$(unlock) prod-edge 42m');
    assert.equal(told(held, { unhealthy: 'cannot be read' })?.text, '$(warning) Access state unknown');
  });

  const states: GrantState[] = ['activating', 'assigned', 'usable', 'revoking', 'gone', 'failed', 'unknown'];
  const anyGrants = fc.array(
    fc.record({ state: fc.constantFrom(...states), left: fc.integer({ min: -600_000, max: 90_000_000 }), mine: fc.boolean() }),
    { maxLength: 6 },
  );

  it('never shows more time than there is, whatever is held', () => {
    fc.assert(
      fc.property(anyGrants, (shapes) => {
        const grants = shapes.map(({ state, left, mine }, index) => grantNumber(index, { state, mine, notAfter: NOON + left }));
        const text = status(view(grants), NOON, time)?.text ?? '';
        const said = /(?:(\d+)h )?(\d+)m(?: |$)/.exec(text);
        const ticking = /(\d+):(\d\d)(?: |$)/.exec(text);
        const shown = said
          ? (Number(said[1] ?? 0) * 60 + Number(said[2])) * MINUTE
          : ticking
            ? (Number(ticking[1]) * 60 + Number(ticking[2])) * 1_000
            : 0;
        const usable = grants.filter(({ state, mine }) => mine && state === 'usable').map(({ notAfter }) => notAfter - NOON);
        if (said || ticking) assert.ok(shown <= Math.min(...usable), `${text} with ${Math.min(...usable)} ms`);
      }),
    );
  });

  it('is drawn again exactly when its text is due to change', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9_000_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (left, fraction) => {
          const held = view([grantNumber(1, { ...onEdge, notAfter: NOON + left })]);
          const shown = status(held, NOON, time);
          const next = shown?.next ?? Number.NaN;
          assert.ok(next > NOON && next <= NOON + 60_001, `next after ${next - NOON} ms`);
          const between = NOON + Math.floor((next - NOON) * fraction);
          assert.equal(status(held, between, time)?.text, shown?.text);
          assert.notEqual(status(held, next, time)?.text, shown?.text);
        },
      ),
    );
  });

  it('speaks to a screen reader at whole minutes only', () => {
    const labels = new Set<string>();
    const held = view([grantNumber(1, { ...onEdge, notAfter: NOON + 4 * MINUTE })]);
    for (let second = 0; second < 240; second++) labels.add(status(held, NOON + second * 1_000, time)?.label ?? '');
    assert.equal(labels.size, 5);
  });
});
