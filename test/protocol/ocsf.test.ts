import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditBody, type AuditEvent, AuditKind, canonicalJson } from '../../protocol/audit.ts';
import { ocsfEvent, ocsfLines } from '../../protocol/ocsf.ts';
import { anyBody, recorded, storyBodies } from '../support/audit-events.ts';
import { wrongWith } from './ocsf-schema.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const [REQUEST, DECIDED] = storyBodies(1) as [AuditBody, AuditBody];
const ofKind = (kind: AuditKind, more: Partial<AuditBody> = {}) => ocsfEvent(one({ ...REQUEST, kind, ...more }), '1.2.3');

function one(body: AuditBody): AuditEvent {
  const [event] = recorded([body]);
  assert.ok(event);
  return event;
}

test('an event of every kind, with all that it may say and with nothing but its kind, is valid by the published schema', () => {
  for (const kind of AuditKind.options) {
    const bare: AuditBody = { kind, at: REQUEST.at, boot: 1, text: kind };
    for (const body of [{ ...DECIDED, ticket: 'CHG-1', kind }, bare]) {
      assert.deepEqual(wrongWith(ocsfEvent(one(body), '1.2.3')), [], kind);
    }
  }
});

test('whatever an event says, it is valid, nothing of it is lost, and its hash can be proven from what was written', () => {
  fc.assert(
    fc.property(fc.array(anyBody, { minLength: 1, maxLength: 4 }), (bodies) => {
      const events = recorded(bodies, 'daemon-1');
      const rows = ocsfLines(events, '1.2.3').trimEnd().split('\n');
      assert.equal(rows.length, events.length);
      for (const [index, row] of rows.entries()) {
        const written = JSON.parse(row);
        assert.deepEqual(wrongWith(written), []);
        const { integrity } = written.unmapped;
        assert.equal(sha256(`${integrity.prev}\n${written.raw_data}`), integrity.hash);
        assert.equal(canonicalJson({ ...JSON.parse(written.raw_data), hash: integrity.hash }), canonicalJson(events[index]));
      }
    }),
    { numRuns: 500 },
  );
});

test('who, what, which resource, when, why, by which decision, on whose approval and how late can be read', () => {
  const approver = { id: 'ben', name: 'Ben Okafor', email: 'ben@example.com' } as NonNullable<AuditBody['person']>;
  const event = one({ ...DECIDED, ticket: 'CHG-1', approvedBy: [approver], lateBy: 1_400, lateAfter: 'due', kind: 'grant.gone' });
  const written = ocsfEvent(event, '1.2.3') as Record<string, unknown> & { unmapped: Record<string, unknown> };
  assert.deepEqual(written['user'], {
    type_id: 1,
    type: 'User',
    uid: 'person-1',
    name: 'ben@example.com',
    full_name: 'Ben Okafor',
    email_addr: 'ben@example.com',
  });
  assert.deepEqual(written['privileges'], ['backends']);
  assert.equal((written['resources'] as { uid: string }[])[0]?.uid, event.resource?.id);
  assert.equal(written['time'], event.at);
  assert.deepEqual(written['authorizations'], [
    {
      decision: 'granted',
      policy: { name: 'operators-backends', uid: '3f9a1c77', version: '3f9a1c77', desc: DECIDED.decision?.because },
    },
  ]);
  const { reason, ticket, late_by_ms, late_after, approved_by, request_id } = written.unmapped;
  assert.deepEqual(
    [reason, ticket, late_by_ms, late_after, request_id],
    ['Drain web-2 before the kernel update', 'CHG-1', 1_400, 'due', event.requestId],
  );
  assert.deepEqual((approved_by as { uid: string }[])[0]?.uid, 'ben');
});

test('a watcher finds grants, ends, requests, sessions, sign-ins and calls to the cloud under the classes made for them', () => {
  const types = (kinds: AuditKind[]) => kinds.map((kind) => ofKind(kind)['type_uid']);
  assert.deepEqual(types(['grant.assigned', 'grant.gone']), [300_501, 300_502]);
  assert.deepEqual(types(['request.created', 'request.approved', 'request.denied']), [300_401, 300_403, 300_403]);
  assert.deepEqual(types(['lease.taken', 'signed-in', 'signed-out']), [300_301, 300_201, 300_202]);
  assert.deepEqual(types(['grant.intended', 'revocation.attempted']), [600_301, 600_304]);
  assert.deepEqual(
    (['request.approved', 'request.denied'] as const).map((kind) => ofKind(kind)['disposition']),
    ['Approved', 'Rejected'],
  );
});

test('a revocation says how the cloud answered', () => {
  const statuses = ['accepted', 'nothing there', 'not yet', 'refused', 'stuck', 'unanswered'].map(
    (outcome) => ofKind('revocation.attempted', { data: { outcome } })['status'],
  );
  assert.deepEqual(statuses, ['Success', 'Success', 'Failure', 'Failure', 'Failure', 'Unknown']);
});

test('what only a newer writer knows is told by its text, and stays valid', () => {
  for (const kind of ['grant.put-on-hold', 'constructor', 'to-string']) {
    const written = ocsfEvent(one({ ...REQUEST, kind: kind as AuditKind }), '1.2.3');
    assert.deepEqual(wrongWith(written), []);
    assert.deepEqual([written['class_uid'], written['activity_name'], written['message']], [0, kind, REQUEST.text]);
  }
});

test('the validator bites: what the schema forbids is named', () => {
  const good = ofKind('grant.assigned') as Record<string, unknown> & { metadata: object };
  const wrong = (more: object) => wrongWith({ ...good, ...more })[0];
  const { user: _, ...nobody } = good;
  assert.equal(wrongWith(nobody)[0], 'user: required');
  assert.equal(wrong({ whim: 1 }), 'whim: unknown attribute');
  assert.equal(wrong({ activity_id: 3 }), 'activity_id: not of this class');
  assert.equal(wrong({ type_uid: 300_502 }), 'type_uid: class_uid * 100 + activity_id');
  assert.equal(wrong({ severity_id: 7 }), 'severity_id: 7 is not in severity_id');
  assert.equal(wrong({ severity: 'High' }), 'severity_id: is called Informational');
  assert.equal(wrong({ time: '2026' }), 'time: no timestamp_t');
  assert.equal(wrong({ privileges: 'x' }), 'privileges: no array');
  assert.equal(wrong({ action_id: 1 }), 'action_id: only in profile security_control');
  assert.equal(wrong({ user: { type_id: 1 } }), 'user.: none of account, name, uid');
  assert.equal(wrong({ metadata: { ...good.metadata, sequence: 2 ** 31 } }), 'metadata.sequence: out of range');
  assert.equal(wrong({ class_uid: 3003 }), 'resources: unknown attribute');
});
