import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node } from '../../../extension/tree/nodes.ts';
import { type Row, row } from '../../../extension/tree/rows.ts';
import { accessByBalancer, accessByResource, type View } from '../../../extension/view.ts';
import { timeWords } from '../../../extension/words/time.ts';
import { ACCOUNT, BEN, byId, daemonState, EDGE, NOON, PARTS, refOf, WEB } from '../../daemon/cli/estate.ts';
import { grantNumber, pending, view } from '../views.ts';

const balancer: Node = { kind: 'balancer', id: 'b', balancer: EDGE };
const pool: Node = { kind: 'part', id: 'p', balancer: EDGE, part: WEB, children: [] };

const draw = (node: Node, from: View = view(), known = false): Row =>
  row(node, {
    access: accessByResource(from),
    accessOnBalancer: accessByBalancer(from),
    parts: () => (known ? PARTS : []),
    connected: from.link.state === 'connected',
    now: NOON,
    time: timeWords('UTC'),
  });

describe('a row', () => {
  it('of a balancer says what it is, and its health once that is known', () => {
    assert.equal(draw(balancer).description, 'public · westeurope');
    assert.equal(draw(balancer, view(), true).description, '1 of 2 up · public · westeurope');
    assert.match(draw(balancer, view(), true).spoken, /^prod-edge, Load balancer, 1 of 2 up/);
    assert.match(draw({ ...balancer, balancer: { ...EDGE, provisioningState: 'Failed' } } as Node).description ?? '', /^failed/);
  });

  it('says until when I hold it, on the part and on its balancer', () => {
    const held = view([grantNumber(1, { notAfter: NOON + 600_000 })]);
    assert.match(draw(pool, held).description ?? '', /^until 12:10/);
    assert.match(draw(balancer, held).description ?? '', /^until 12:10 on web/);
    assert.match(draw(balancer, held).spoken, /until 12:10 on web/);
  });

  it('says who else holds it', () => {
    const theirs = view([
      grantNumber(1, { mine: false, holder: BEN, resource: refOf(EDGE) }),
      grantNumber(2, { mine: false, resource: refOf(EDGE) }),
    ]);
    assert.match(draw(balancer, theirs).description ?? '', /^Ben Okafor until 12:10 and 1 more/);
    assert.deepEqual(draw(balancer, theirs).flags, ['balancer', 'elevate', 'offer']);
  });

  it('says who must decide, and offers to cancel', () => {
    const waiting = view([], [pending({ approvers: { needed: 1, people: [BEN] } })]);
    assert.match(draw(pool, waiting).description ?? '', /^waiting for Ben Okafor/);
    assert.ok(draw(pool, waiting).flags.includes('waiting'));
    assert.ok(!draw(pool, waiting).flags.includes('offer'));
  });

  it('never says revoked or until of what is not proven', () => {
    const words = (state: 'activating' | 'assigned' | 'revoking' | 'unknown') =>
      draw(pool, view([grantNumber(1, { state })])).description ?? '';
    const looks = (from: View) => [pool, balancer].map((node) => draw(node, from).icon?.id);
    assert.match(words('activating'), /^activating…/);
    assert.match(words('assigned'), /^activating…/);
    assert.match(words('revoking'), /^revoking…/);
    assert.match(words('unknown'), /^access unknown/);
    const lost = view([grantNumber(1)], [], { link: { state: 'lost', why: 'closed' } });
    assert.match(draw(pool, lost).description ?? '', /^access unknown/);
    assert.deepEqual(looks(view([grantNumber(1)])), ['unlock', 'unlock']);
    for (const link of [{ state: 'lost', why: 'closed' }, { state: 'absent', problem: 'No Node' }, { state: 'connecting' }] as const)
      assert.deepEqual(looks(view([grantNumber(1)], [], { link })), ['warning', 'warning'], link.state);
    const central = { state: 'lost', since: NOON } as const;
    const withoutCentral = view([], [], { state: daemonState({ grants: byId(grantNumber(1)), central }) });
    assert.deepEqual(looks(withoutCentral), ['warning', 'warning']);
  });

  it('of what cannot be revoked says so, why, and what to do', () => {
    const problem = { code: 'locked', message: 'A lock keeps it.', wayOut: 'Remove the lock.' };
    const stuck = view([grantNumber(1, { state: 'revoking', problem })]);
    for (const node of [pool, balancer]) {
      const row = draw(node, stuck);
      assert.match(row.description ?? '', /^cannot be revoked/);
      assert.equal(row.icon?.id, 'error');
      assert.equal(row.tooltip.at(-1), 'A lock keeps it. Remove the lock.');
    }
    const lost = view([grantNumber(1, { state: 'revoking', problem })], [], { link: { state: 'lost', why: 'closed' } });
    assert.match(draw(pool, lost).description ?? '', /^access unknown/);
    assert.equal(draw(pool, lost).icon?.id, 'warning');
  });

  it('offers only what is possible now', () => {
    const flags = (from: View) => draw(pool, from).flags.slice(1);
    assert.deepEqual(flags(view([grantNumber(1)])), ['elevate', 'room', 'revoke', 'extend', 'audit']);
    assert.deepEqual(flags(view([grantNumber(1, { extendable: { ok: false, why: 'once only' } })])), [
      'elevate',
      'room',
      'revoke',
      'audit',
    ]);
    assert.deepEqual(flags(view([grantNumber(1, { state: 'revoking' })])), ['elevate', 'audit']);
    assert.deepEqual(flags(view([grantNumber(1)], [], { link: { state: 'lost', why: 'closed' } })), []);
  });

  it('keeps its icons off the words on what is held', () => {
    const held = view([grantNumber(1, { resource: refOf({ ...EDGE, name: 'lb-checkout-stg-weu' }) })]);
    const long: Node = { ...balancer, balancer: { ...EDGE, name: 'lb-checkout-stg-weu' } };
    assert.deepEqual(draw(long, held).flags, ['balancer', 'elevate', 'revoke', 'extend', 'audit']);
    assert.match(draw(long, held).description ?? '', /^until 12:10/);
  });

  it('of trouble says what to do, also to a screen reader', () => {
    const problem = draw({ kind: 'problem', id: 'x', parent: undefined, problem: { message: 'Azure does not answer', action: 'retry' } });
    assert.deepEqual([problem.command, problem.flags], ['portcullis.retry', ['retry']]);
    assert.match(problem.spoken, /Azure does not answer. Retry/);
    const signIn = draw({ kind: 'problem', id: 'x', parent: undefined, problem: { message: 'Not signed in', action: 'sign in' } });
    assert.equal(signIn.command, 'portcullis.signIn');
  });

  it('has something to be read out, whatever it is', () => {
    const nodes: Node[] = [
      { kind: 'provider', id: '1', provider: 'azure', accounts: [ACCOUNT], filtered: false },
      { kind: 'account', id: '2', account: { ...ACCOUNT, problem: 'no access' }, filtered: false, alone: true },
      { kind: 'group', id: '3', balancer: EDGE, partKind: 'backend-pool', parts: [WEB] },
      { kind: 'more', id: '4', shown: 200, total: 1_000, parent: balancer },
      { kind: 'note', id: '5', text: 'No parts' },
    ];
    for (const node of nodes) assert.ok(draw(node).spoken.length > 3, node.kind);
    assert.match(draw(nodes[1] as Node).spoken, /no access/);
  });
});
