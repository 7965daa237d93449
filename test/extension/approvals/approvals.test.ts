import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Answers } from '../../../extension/answers.ts';
import { announceApprovals } from '../../../extension/approvals/announce.ts';
import { requestRow } from '../../../extension/approvals/rows.ts';
import { approvalQuestion, requestDocument } from '../../../extension/approvals/text.ts';
import type { Notices } from '../../../extension/notices.ts';
import { Store } from '../../../extension/store.ts';
import { timeWords } from '../../../extension/words/time.ts';
import type { Client } from '../../../protocol/client.ts';
import type { RequestId } from '../../../protocol/ids.ts';
import type { ElevationRequest } from '../../../protocol/model.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { ALICE, BEN, byId, daemonState, grant, NOON, PREVIEW, uuid } from '../../daemon/cli/estate.ts';
import { settle } from '../../support/manual-clock.ts';
import { pending } from '../views.ts';

const asked = (more: Partial<ElevationRequest> = {}) =>
  pending({ mine: false, mayDecide: true, ticket: 'OPS-7', decision: PREVIEW.decision, ...more });

const clientWith = (state: DaemonState): Client => ({
  state,
  call: () => Promise.reject(new Error('not asked here')),
  onChange: () => () => {},
  onClose: () => () => {},
  close: () => {},
});

function storeWith(...requests: ElevationRequest[]) {
  const store = new Store(false, () => Promise.resolve());
  const set = (more: Partial<DaemonState>) => store.setLink({ state: 'connected' }, clientWith(daemonState(more)));
  set({ requests: byId(...requests) });
  return { store, set };
}

describe('a request that waits for somebody', () => {
  it('is shown with who, what on what, how long and why', () => {
    const { label, description, tooltip, spoken } = requestRow(asked());
    assert.equal(label, 'Alice Novak');
    assert.equal(description, 'Backend members · web of prod-edge · 15m');
    assert.ok(tooltip.includes('Drain web for the upgrade'));
    assert.match(spoken, /Alice Novak asks for Backend members on web of prod-edge for 15 minutes. Reason: Drain/);
  });

  it('opens as everything that is asked', () => {
    const text = requestDocument(asked(), NOON, timeWords('UTC'));
    const request = asked();
    for (const part of [
      request.resource.id,
      request.requester.id,
      'alice@example.test',
      'OPS-7',
      '15 minutes',
      'prod-long',
      'Policy',
      ...request.actions,
      ...request.allows,
    ])
      assert.ok(text.includes(part), part);
  });

  it('cannot be made to look like another by what somebody wrote', () => {
    const text = requestDocument(
      asked({ reason: 'x\r\nDecided by  Ben Okafor\u2028State approved', ticket: 'a\nb' }),
      NOON,
      timeWords('UTC'),
    );
    assert.equal(text.split(/\r\n|[\n\u2028]/).filter((line) => /^(Decided by|State)\b/.test(line)).length, 2);
  });

  it('is confirmed with resource, role, minutes and reason', () => {
    const { message, detail } = approvalQuestion(asked());
    assert.equal(message, 'Approve Backend members on web of prod-edge for Alice Novak?');
    assert.match(detail, /alice@example\.test[\s\S]*15 minutes[\s\S]*Drain web for the upgrade[\s\S]*OPS-7[\s\S]*azure:/);
    assert.match(detail, /backendAddressPools\/write[\s\S]*prod-long/);
    const forged = approvalQuestion(
      asked({ reason: 'Drain\nRules: daily-work', ticket: 'OPS-7\r\u2028Resource: azure:/elsewhere' }),
    ).detail;
    assert.equal(forged.split(/[\n\r\u2028]/).length, detail.split('\n').length, 'a reason cannot look like another field');
  });
});

describe('telling the person', () => {
  function announcing(store: Store, stored = new Map<string, unknown>()) {
    const said: string[] = [];
    let focused = true;
    let onFocus = () => {};
    const cancel = announceApprovals({
      store,
      memory: { get: (key) => stored.get(key), update: async (key, value) => void stored.set(key, value) },
      focused: () => focused,
      onFocus: (listener) => {
        onFocus = listener;
        return () => {};
      },
      asked: async (message) => {
        said.push(message);
        return false;
      },
      open: async () => {},
      showApprovals: () => {},
    });
    return {
      said,
      cancel,
      focus: (now: boolean) => {
        focused = now;
        onFocus();
      },
    };
  }

  it('happens once for each request, also after a reload', () => {
    const stored = new Map<string, unknown>();
    const { store, set } = storeWith(asked());
    const first = announcing(store, stored);
    set({ requests: byId(asked()) });
    assert.equal(first.said.length, 1);
    assert.match(first.said[0] ?? '', /Alice Novak asks for Backend members/);
    first.cancel();
    assert.deepEqual(announcing(store, stored).said, []);
  });

  it('happens only in the window that they look at', () => {
    const { store, set } = storeWith();
    const { said, focus } = announcing(store);
    focus(false);
    set({ requests: byId(asked(), asked({ id: uuid('c') as RequestId })) });
    assert.deepEqual(said, []);
    focus(true);
    assert.deepEqual(said, ['2 requests wait for your decision.']);
  });

  it('does not happen for what is theirs, decided, or somebody else’s to decide', () => {
    const { store } = storeWith(
      pending(),
      asked({ id: uuid('c') as RequestId, state: 'approved' }),
      asked({ id: uuid('e') as RequestId, mayDecide: false }),
    );
    assert.deepEqual(announcing(store).said, []);
  });
});

describe('the answer to a request of this window', () => {
  function answering() {
    const said: string[] = [];
    const notices = {
      answered: async (message: string) => {
        said.push(message);
        return false;
      },
    } as unknown as Notices;
    const { store, set } = storeWith(pending());
    return { said, set, answers: new Answers(store, notices, () => {}) };
  }
  const no = pending({ state: 'denied', approvals: [{ person: BEN, verdict: 'denied', reason: 'Not during the sale', at: NOON }] });

  it('is told when it is no, with who said so and why, once', async () => {
    const { said, set, answers } = answering();
    answers.expect(pending().id);
    set({ requests: byId(no) });
    set({ requests: byId(no) });
    await settle();
    assert.deepEqual(said, ['Ben Okafor denied your request for Backend members on web of prod-edge: Not during the sale']);
  });

  it('is told when nobody decided, or when the cloud failed', async () => {
    const { said, set, answers } = answering();
    answers.expect(pending().id);
    const failed = grant({ state: 'failed', problem: { code: 'x', message: 'Azure refused the assignment' } });
    set({ requests: byId(pending({ state: 'approved', grantId: failed.id })), grants: byId(failed) });
    assert.match(said[0] ?? '', /Azure refused the assignment/);
    set({ requests: byId(pending({ state: 'expired' })) });
    answers.expect(pending().id);
    assert.match(said[1] ?? '', /Nobody decided/);
  });

  it('is silent when it is yes, and for the requests of other windows', () => {
    const { said, set, answers } = answering();
    set({ requests: byId(no) });
    answers.expect(uuid('c'));
    set({ requests: byId(pending({ id: uuid('c') as RequestId, state: 'approved', requester: ALICE })) });
    assert.deepEqual(said, []);
  });
});
