import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { PanelPage } from '../../../extension/audit/page.ts';
import type { AuditEvent, AuditFilter } from '../../../protocol/audit.ts';
import { Fault } from '../../../protocol/fault.ts';
import { HostMessage, PANEL, type PanelContact } from '../../../protocol/panel.ts';
import type { DaemonState } from '../../../protocol/state.ts';
import { grantId, grantOf, many, recorded, recordOf, requestId, storyBodies } from '../../support/audit-events.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

function open(t: Pick<TestContext, 'after'>, events: AuditEvent[] = many(500)) {
  const clock = new ManualClock();
  const posted: HostMessage[] = [];
  const asked: string[] = [];
  const reported: unknown[] = [];
  const record = recordOf(events);
  const tell = {
    message: (_: unknown) => {},
    hidden: () => {},
    audit: (_: AuditEvent) => {},
    contact: (_: PanelContact) => {},
    state: () => {},
  };
  const now = {
    visible: true,
    state: { grants: {}, requests: {}, central: { state: 'connected', since: 0 } } as unknown as DaemonState,
    fails: undefined as Error | undefined,
  };
  let listening = 0;
  const on = (set: () => void) => {
    set();
    listening++;
    return () => void listening--;
  };
  const side = new PanelPage(
    {
      post: (message) => void posted.push(v.parse(HostMessage, message)),
      onMessage: (listener) => on(() => Object.assign(tell, { message: listener })),
      visible: () => now.visible,
      onHidden: (listener) => on(() => Object.assign(tell, { hidden: listener })),
    },
    {
      ask: async (method, params) => {
        asked.push(method);
        if (now.fails) throw now.fails;
        return record(method, params);
      },
      onAudit: (listener) => on(() => Object.assign(tell, { audit: listener })),
      onContact: (listener) =>
        on(() => {
          Object.assign(tell, { contact: listener });
          listener({ state: 'connected' });
        }),
      onState: (listener) => on(() => Object.assign(tell, { state: listener })),
      state: () => now.state,
      clock,
      version: '0.1.0',
      report: (error) => void reported.push(error),
    },
    async () => undefined,
  );
  t.after(() => {
    side.close();
    assert.equal(listening, 0, 'nothing keeps listening to a closed panel');
    assert.equal(clock.armed, 0, 'no timer outlives the panel');
  });
  return {
    clock,
    side,
    now,
    tell,
    asked,
    reported,
    events,
    posted: <T extends HostMessage['type']>(type: T) =>
      posted.filter((message): message is Extract<HostMessage, { type: T }> => message.type === type),
    clear: () => void posted.splice(0),
    watch: (filter: AuditFilter = {}) => tell.message({ type: 'watch', filter }),
    async ask(ask: string, params: unknown) {
      tell.message({ type: 'ask', id: 7, ask, params });
      await clock.advance(2_000);
      return posted.findLast((message) => (message.type === 'answer' || message.type === 'refused') && message.id === 7);
    },
    append(event: AuditEvent) {
      events.push(event);
      tell.audit(event);
    },
  };
}

test('a page that watches hears of contact, then how much there is and the newest of it', async (t) => {
  const panel = open(t);
  assert.equal(panel.posted('live').length, 0, 'nothing before it has loaded');
  panel.clear();
  panel.watch();
  await settle();
  assert.deepEqual(panel.posted('contact'), [{ type: 'contact', contact: { state: 'connected' } }]);
  const [live] = panel.posted('live');
  assert.equal(live?.total, 500);
  assert.equal(live?.newest[0]?.seq, 500);
  await panel.clock.advance(1_000);
});

test('a new event is pushed at once, and a storm of them at most every 150 ms', async (t) => {
  const panel = open(t);
  panel.watch();
  await panel.clock.advance(1_000);
  panel.clear();
  const more = many(700).slice(500);
  panel.append(more[0] as AuditEvent);
  await settle();
  assert.equal(panel.posted('live')[0]?.total, 501);
  for (const event of more.slice(1)) panel.append(event);
  await panel.clock.advance(250);
  assert.equal(panel.posted('live').at(-1)?.total, 700, 'all of it is seen within 250 ms');
  assert.ok(panel.posted('live').length <= 3);
  await panel.clock.advance(1_000);
});

test('what is pushed follows the filter at once', async (t) => {
  const panel = open(t);
  panel.watch();
  panel.watch({ kind: 'grant.gone' });
  await settle();
  const last = panel.posted('live').at(-1);
  assert.deepEqual(last?.filter, { kind: 'grant.gone' });
  assert.equal(last?.total, 62);
  await panel.clock.advance(1_000);
});

test('a hidden page gets nothing, and all of it when it is back', async (t) => {
  const panel = open(t);
  panel.watch();
  await panel.clock.advance(1_000);
  panel.clear();
  panel.now.visible = false;
  panel.tell.hidden();
  panel.append(many(501)[500] as AuditEvent);
  panel.side.show(grantId(3));
  await panel.clock.advance(1_000);
  assert.deepEqual([panel.posted('live'), panel.posted('show')], [[], []]);
  panel.now.visible = true;
  panel.watch();
  await panel.clock.advance(1_000);
  assert.equal(panel.posted('live').at(-1)?.total, 501);
  assert.deepEqual(panel.posted('show'), [{ type: 'show', grantId: grantId(3) }]);
});

test('lost contact is told, and when it is back the page gets everything anew', async (t) => {
  const panel = open(t);
  panel.watch();
  await panel.clock.advance(1_000);
  panel.clear();
  panel.now.fails = new Fault('timed-out', 'The daemon closed the connection', { wayOut: 'Wait for it to start again.' });
  panel.tell.contact({ state: 'lost', problem: 'The daemon ended.' });
  assert.deepEqual(await panel.ask('query', { filter: {}, offset: 0, limit: 10 }), {
    type: 'refused',
    id: 7,
    problem: 'The daemon closed the connection. Wait for it to start again.',
  });
  panel.now.fails = undefined;
  panel.tell.contact({ state: 'connected' });
  await panel.clock.advance(1_000);
  assert.deepEqual(
    panel.posted('contact').map(({ contact }) => contact.state),
    ['lost', 'connected'],
  );
  assert.equal(panel.posted('live').length, 1);
  assert.deepEqual(panel.reported, []);
});

test('a mistake of ours is logged and not shown', async (t) => {
  const panel = open(t);
  panel.now.fails = new TypeError('secret detail');
  const reply = await panel.ask('facets', {});
  assert.equal(reply?.type, 'refused');
  assert.doesNotMatch(JSON.stringify(reply), /secret/);
  assert.equal(panel.reported.length, 1);
});

test('every answer has the form that the page expects', async (t) => {
  const panel = open(t);
  const asks = { query: { filter: {}, offset: 3, limit: 5 }, facets: {}, story: { grantId: grantId(1) }, export: { filter: {} } } as const;
  for (const [ask, params] of Object.entries(asks)) {
    const reply = await panel.ask(ask, params);
    assert.ok(reply?.type === 'answer', JSON.stringify(reply));
    v.parse(PANEL[ask as keyof typeof asks].result, reply.value);
  }
});

test('whatever a page sends, the extension neither fails nor asks the daemon for more than it may', async (t) => {
  const panel = open(t);
  const message = fc.oneof(
    fc.anything(),
    fc.record({
      type: fc.constantFrom('watch', 'ask', '__proto__'),
      id: fc.anything(),
      ask: fc.anything(),
      params: fc.anything(),
      filter: fc.anything(),
    }),
    fc.record({
      type: fc.constant('ask'),
      id: fc.constant(1),
      ask: fc.constantFrom('query', 'story', 'revoke', 'constructor'),
      params: fc.object(),
    }),
    fc.constant({ type: 'ask', id: 1, ask: 'query', params: { filter: {}, offset: 0, limit: 1e9 } }),
  );
  await fc.assert(
    fc.asyncProperty(message, async (sent) => {
      panel.tell.message(sent);
      await panel.clock.advance(1);
    }),
    { numRuns: 300 },
  );
  assert.ok(panel.asked.every((method) => method.startsWith('audit.')));
  assert.deepEqual(panel.reported, []);
  await panel.clock.advance(60_000);
});

test('the daemon is asked less often than its door allows, whatever the page wants', async (t) => {
  const panel = open(t);
  panel.watch();
  for (let n = 0; n < 200; n++) panel.tell.message({ type: 'ask', id: n + 1, ask: 'query', params: { filter: {}, offset: n, limit: 1 } });
  await panel.clock.advance(1_000);
  assert.ok(panel.asked.length <= 18, `${panel.asked.length} in the first second`);
  const before = panel.asked.length;
  await panel.clock.advance(1_000);
  assert.ok(panel.asked.length - before <= 13);
  assert.ok(panel.asked.length - before >= 10, 'and not needlessly slow');
  await panel.clock.advance(30_000);
  assert.equal(panel.posted('answer').length, 200);
});

test("a grant's story begins with its request and says how the grant stands; without contact to central it is unknown", async (t) => {
  const events = recorded([...storyBodies(1), ...storyBodies(2)]);
  const panel = open(t, events);
  panel.now.state.grants[grantId(1)] = grantOf(1);
  const told = async (params: unknown) => {
    const reply = await panel.ask('story', params);
    assert.ok(reply?.type === 'answer');
    return v.parse(PANEL.story.result, reply.value);
  };
  const story = await told({ grantId: grantId(1) });
  assert.deepEqual(
    story.events.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.equal(story.grant?.state, 'usable');
  assert.deepEqual((await told({ requestId: requestId(1) })).events.length, 8, 'the request leads to its grant');
  panel.now.state.central.state = 'lost';
  assert.equal((await told({ grantId: grantId(1) })).grant?.state, 'unknown');
});

test('a request that came to no grant has a story of its own', async (t) => {
  const panel = open(t, recorded([...storyBodies(1), ...storyBodies(2).slice(0, 2)]));
  const reply = await panel.ask('story', { requestId: requestId(2) });
  assert.ok(reply?.type === 'answer');
  assert.deepEqual(
    v.parse(PANEL.story.result, reply.value).events.map(({ kind }) => kind),
    ['request.created', 'request.decided'],
  );
});
