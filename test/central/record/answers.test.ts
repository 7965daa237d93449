import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE } from '../../../protocol/clock.ts';
import { unanswered } from '../../support/answers.ts';
import { balancerId } from '../samples.ts';
import { accepted, Stage } from '../stage.ts';

test('every event of a whole story answers who, what, where, why, by which decision, on whose approval, and how late', async (t) => {
  const stage = await Stage.open(t);
  const full = { roleId: 'full', resourceId: balancerId('staging-edge'), duration: 30 * MINUTE };
  const asked = accepted(await stage.ask('alice', full));
  accepted(await stage.call('ben', 'approve', { id: asked.id, body: { reason: 'Yes' } }));
  await stage.clock.advance(5);
  const id = (await stage.request('alice', asked.id)).grantId ?? '';
  await stage.observe('alice', id, 'allowed');
  accepted(await stage.call('alice', 'revoke', { id, body: { because: 'revoked' } }));
  await stage.clock.advance(5);
  await stage.observe('alice', id, 'denied');
  await stage.clock.advance(MINUTE);
  const { events } = accepted(await stage.call('carla', 'record'));
  const story = events.filter(({ requestId }) => requestId === asked.id);
  for (const kind of ['request.created', 'request.approved', 'grant.usable', 'grant.gone'])
    assert.ok(
      story.some((event) => event.kind === kind),
      kind,
    );
  assert.deepEqual(unanswered(events), []);
  for (const event of story)
    if (event.kind.startsWith('grant.'))
      assert.deepEqual(
        event.approvedBy?.map(({ id: who }) => who),
        ['ben'],
        event.kind,
      );
});
