import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keysOf, sameHuman } from '../../../central/people/actor.ts';
import {
  essence,
  type GivenApproval,
  isSatisfied,
  type RequestEvent,
  type RequestLife,
  stepRequest,
} from '../../../central/requests/life.ts';
import { sha256 } from '../../../central/store/store.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import { isOpen, mayRequestMove } from '../../../protocol/lifecycle.ts';
import type { Decision, Person } from '../../../protocol/model.ts';
import { aRole, balancerId } from '../samples.ts';

const person = (id: string): Person => ({ id, name: id }) as Person;
const decision = (outcome: Decision['outcome']): Decision => ({
  outcome,
  because: 'x',
  wouldChange: [],
  rules: [],
  policyVersion: 'v',
  at: 0,
});
const { allows, actions, ...role } = aRole('full');

const REQUEST: RequestLife = {
  id: '00000000-0000-4000-8000-000000000001' as RequestId,
  requester: { issuer: 'i', person: person('alice'), groups: [], principals: {}, keys: keysOf('i', ['alice'], { azure: 'OID-A' }) },
  resource: { id: balancerId('p'), name: 'p', kind: 'Load balancer', balancerId: balancerId('p'), balancerName: 'p' },
  target: {
    id: 'p',
    account: 's',
    provider: 'azure',
    kind: 'load-balancer',
    name: 'p',
    resourceGroup: 'g',
    location: 'l',
    exposure: 'public',
    tags: {},
  },
  role,
  allows,
  actions,
  duration: 900_000,
  reason: 'Drain',
  state: 'requested',
  createdAt: 0,
  lapsesAt: 1,
  requirements: [],
  approvals: [],
};
const OVER = sha256(essence(REQUEST));

interface Account {
  human: number;
  account: string;
  groups: string[];
  verdict: 'approved' | 'denied';
  over: string;
}

/** Human 0 is the requester. Accounts of one human know each other by the directory, or by the cloud. */
const account: fc.Arbitrary<Account> = fc.record({
  human: fc.nat({ max: 4 }),
  account: fc.constantFrom('main', 'admin'),
  groups: fc.subarray(['leads', 'security']),
  verdict: fc.constantFrom('approved', 'approved', 'approved', 'denied'),
  over: fc.constantFrom(OVER, OVER, OVER, sha256('another request')),
});

const keys = (human: number, name: string) =>
  human === 0
    ? keysOf('i', name === 'main' ? ['alice'] : ['alice-admin', 'alice'], {})
    : keysOf('i', [`${human}-${name}`], { azure: `oid-${human}` });

const approvalOf = ({ human, account: name, groups, verdict, over }: Account): GivenApproval => ({
  person: person(`${human}-${name}`),
  verdict,
  reason: '',
  at: 0,
  keys: keys(human, name),
  groups,
  over,
});

test('a requirement is met by distinct humans of its group who approved this very request, and by nobody else', () => {
  fc.assert(
    fc.property(
      fc.array(account, { maxLength: 10 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('leads', 'security'),
      (accounts, needed, group) => {
        const humans = new Set(
          accounts
            .filter((each) => each.human !== 0 && each.verdict === 'approved' && each.over === OVER && each.groups.includes(group))
            .map(({ human }) => human),
        );
        const approvals = accounts.map(approvalOf);
        assert.equal(isSatisfied([{ needed, group }], { ...REQUEST, approvals }, OVER), humans.size >= needed);
        // Order does not matter.
        assert.equal(isSatisfied([{ needed, group }], { ...REQUEST, approvals: approvals.toReversed() }, OVER), humans.size >= needed);
      },
    ),
    { numRuns: 500 },
  );
});

test('no requirement is met by nothing', () => {
  assert.equal(isSatisfied([], REQUEST, OVER), false);
  assert.equal(
    isSatisfied(
      [{ needed: 1 }],
      { ...REQUEST, approvals: [approvalOf({ human: 1, account: 'main', groups: ['x'], verdict: 'approved', over: OVER })] },
      OVER,
    ),
    false,
  );
});

test('an approval covers everything that is asked', () => {
  const changes: Partial<RequestLife>[] = [
    { duration: 900_001 },
    { reason: 'Else' },
    { ticket: 'CHG-1' },
    { actions: [...REQUEST.actions, '*'] },
    { role: { ...REQUEST.role, id: aRole('nat').id } },
    { resource: { ...REQUEST.resource, id: balancerId('q') } },
    { requester: { ...REQUEST.requester, keys: ['other'] } },
    { follows: '00000000-0000-4000-8000-000000000009' as GrantId },
    { id: '00000000-0000-4000-8000-000000000002' as RequestId },
  ];
  for (const change of changes) assert.notEqual(sha256(essence({ ...REQUEST, ...change })), OVER, JSON.stringify(change));
  assert.equal(sha256(essence({ ...REQUEST, state: 'pending approval', approvals: [] })), OVER);
});

const approval = approvalOf({ human: 1, account: 'main', groups: ['leads'], verdict: 'approved', over: OVER });
const event: fc.Arbitrary<RequestEvent> = fc.constantFrom<RequestEvent[]>(
  { type: 'decided', decision: decision('needs approval'), requirements: [{ needed: 1, group: 'leads' }] },
  { type: 'decided', decision: decision('refused'), requirements: [] },
  { type: 'decided', decision: decision('granted'), requirements: [] },
  { type: 'approved by', approval },
  { type: 'denied by', approval },
  { type: 'granted', decision: decision('granted'), grantId: '00000000-0000-4000-8000-000000000003' as GrantId },
  { type: 'cancelled' },
  { type: 'lapsed' },
  { type: 'failed', problem: { code: 'x', message: 'y' } },
);

test('whatever happens to a request, each step is legal, and what is over stays over', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      let request = REQUEST;
      for (const each of events) {
        if (each.type === 'lapsed' && request.state === 'requested') continue;
        const { request: after, records } = stepRequest(request, each);
        assert.ok(after.state === request.state || mayRequestMove(request.state, after.state), `${request.state} → ${after.state}`);
        if (!isOpen(request.state) && after.state === request.state) assert.deepEqual([after, records], [request, []]);
        if (after.state !== request.state && after.state !== 'approved') assert.ok(records.length > 0, 'a change is in the record');
        request = after;
      }
    }),
    { numRuns: 500 },
  );
});

test('one human is one, under every name', () => {
  const lee = keysOf('i', ['lee'], { azure: 'OID-1' });
  assert.ok(sameHuman(lee, keysOf('i', ['lee-admin', 'lee'], {})));
  assert.ok(sameHuman(lee, keysOf('other', ['x'], { azure: 'oid-1' })), 'the cloud compares ids without case');
  assert.ok(!sameHuman(lee, keysOf('other', ['lee'], {})), 'a subject of another issuer is somebody else');
});
