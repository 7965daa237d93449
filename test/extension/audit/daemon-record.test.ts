import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openJournal } from '../../../daemon/journal/open.ts';
import { RecordQuery } from '../../../daemon/journal/query.ts';
import { RecordStore } from '../../../daemon/journal/record.ts';
import { type AskDaemon, oldestFirst } from '../../../extension/audit/record.ts';
import { readStory } from '../../../extension/audit/story.ts';
import type { AuditFilter } from '../../../protocol/audit.ts';
import { balancer, grantId, person, recorded, requestId, storyBodies } from '../../support/audit-events.ts';

/** The daemon's own record, as far as the panel relies on it. */
function daemon(t: { after(run: () => void): void }): { ask: AskDaemon; query: RecordQuery } {
  const db = openJournal(':memory:', 0);
  t.after(() => db.close());
  new RecordStore(db, 'daemon').mirror(recorded([...storyBodies(1), ...storyBodies(2), ...storyBodies(3).slice(0, 2)]));
  const query = new RecordQuery(db);
  return {
    query,
    ask: (async (method: string, params: never) => (method === 'audit.facets' ? query.facets() : query.query(params))) as AskDaemon,
  };
}

test('each member of the filter narrows what the daemon gives', (t) => {
  const { query } = daemon(t);
  const total = (filter: AuditFilter) => query.query({ filter, offset: 0, limit: 200 }).total;
  assert.equal(total({}), 18);
  assert.equal(total({ person: person(1).id }), 8);
  assert.equal(total({ balancer: balancer(2).id }), 8);
  assert.equal(total({ kind: 'grant.gone' }), 2);
  assert.equal(total({ grantId: grantId(1) }), 8);
  assert.equal(total({ requestId: requestId(3) }), 2);
  assert.equal(total({ text: 'kernel' }), 18);
});

test('the panel reads whole stories from it, of a grant and of a request without one', async (t) => {
  const { ask } = daemon(t);
  assert.equal((await readStory(ask, { grantId: grantId(2) }, undefined)).events.length, 8);
  assert.equal((await readStory(ask, { requestId: requestId(3) }, undefined)).events.length, 2);
  const kinds: string[] = [];
  for await (const { events } of oldestFirst(ask, { grantId: grantId(1) })) kinds.push(...events.map(({ kind }) => kind));
  assert.deepEqual([kinds[0], kinds.at(-1)], ['request.created', 'grant.gone']);
});
