import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import type { GrantId } from '../../../protocol/ids.ts';
import type { Grant, ResourceRef } from '../../../protocol/model.ts';
import { yes } from '../../../protocol/refusal.ts';
import { EDGE, refOf } from '../../daemon/cli/estate.ts';
import { BALANCERS, grantOn, requestBy } from '../../editor/organisation.ts';
import { grantId } from '../../support/audit-events.ts';
import { until } from '../../support/until.ts';
import { showBalancer, told } from '../acts.ts';
import type { ScriptedStage } from './stage.ts';

const LIST = 'Choose one to revoke';
const ACTS = 'What to do?';
const MINUTE = 60_000;
/** Long enough for an act that nobody wanted to reach the daemon. */
const A_MOMENT = 500;

/** Everything that changes nothing. */
const READING = /^(snapshot|eligibility|preview|inventory\..+|audit\..+)$/;
const [, API = EDGE] = BALANCERS;

export function tellActs(on: () => ScriptedStage): void {
  describe('acts of lists, palette and menus, and what the daemon is asked', () => {
    let stage: ScriptedStage;
    let from = 0;
    before(async () => {
      stage = on();
      await stage.begin('acts', { extend: () => yes({ requestId: requestBy(stage.clock, 940).id }) });
    });
    beforeEach(() => {
      from = stage.daemon.calls.length;
    });
    afterEach(async () => {
      const { daemon, workbench } = stage;
      for (const id of Object.keys(daemon.live.now.grants)) daemon.live.apply({ type: 'grant.forgotten', grantId: id as GrantId });
      await workbench.status('access').waitFor({ state: 'detached' });
      await workbench.tidy();
    });

    /** What the editor asked for in this test, but for what it read. */
    const acts = () => stage.daemon.calls.slice(from).filter(([method]) => !READING.test(method));
    const done = async (...expected: [string, unknown][]) => {
      await until(`what is asked: ${JSON.stringify(expected)}`, () => acts().length >= expected.length);
      assert.deepEqual(acts(), expected);
    };
    const gone = ({ id }: Grant) => until('its end', () => stage.daemon.live.now.grants[id]?.state === 'gone');

    function hold(n: number, on: ResourceRef, more: Partial<Grant> = {}): Grant {
      const grant = grantOn(stage.clock, n, on, { notAfter: stage.clock.now() + (n % 10) * 3 * MINUTE, ...more });
      stage.daemon.live.apply({ type: 'grant', grant });
      return grant;
    }

    /** Opens what the status bar counts down. */
    async function listed(): Promise<void> {
      await stage.workbench.status('access').click();
      await stage.workbench.asking(LIST).waitFor();
    }

    /** The panel shows only this grant's events, and its story. */
    async function inAudit(id: GrantId): Promise<void> {
      const { workbench, daemon } = stage;
      await told(workbench, `Grant ${id.slice(0, 8)}`);
      await until('its events', () => {
        const query = daemon.calls.findLast(([method]) => method === 'audit.query');
        return (query?.[1] as { filter: { grantId?: string } } | undefined)?.filter.grantId === id;
      });
      await workbench.webview().getByRole('list', { name: 'From request to gone' }).waitFor();
      const ends = workbench.webview().locator('[role="row"]', { hasText: 'Gone' });
      await until('no end but its own', async () => (await ends.count()) === 1);
    }

    test('Revoke beside a grant in the list revokes that one, and the list goes on with the others', async () => {
      const { workbench } = stage;
      const [first, second] = [hold(1, refOf(EDGE)), hold(2, refOf(API))];
      await listed();
      await workbench.itemAction(workbench.option(LIST, API.name), 'Revoke');
      await done(['revoke', { grantId: second.id }]);
      await gone(second);
      await workbench.option(LIST, API.name).waitFor({ state: 'detached' });
      await workbench.option(LIST, EDGE.name).waitFor();
      assert.equal(stage.daemon.live.now.grants[first.id]?.state, 'usable');
    });

    test('Extend… beside a grant in the list asks for more of that one', async () => {
      const { workbench } = stage;
      hold(1, refOf(EDGE));
      const second = hold(2, refOf(API));
      await listed();
      await workbench.itemAction(workbench.option(LIST, API.name), 'Extend…');
      await workbench.answerWith('How long from now?', '25');
      await workbench.answerWith('Reason', 'The update takes longer');
      await workbench.choose('Review, then request the extension', 'Request extension');
      await until('the request', () => acts().length > 0);
      const asked = acts().map(([method, params]) => [method, { ...(params as object), idempotencyKey: 'any' }]);
      const wish = { grantId: second.id, duration: 25 * MINUTE, reason: 'The update takes longer', idempotencyKey: 'any' };
      assert.deepEqual(asked, [['extend', wish]]);
    });

    test('Show in audit beside a grant in the list shows its story, with nothing before it', async () => {
      const { workbench } = stage;
      hold(1, refOf(EDGE));
      const second = hold(2, refOf(API), { id: grantId(2) });
      await listed();
      await workbench.itemAction(workbench.option(LIST, API.name), 'Show in audit');
      await inAudit(second.id);
      await workbench.asking(LIST).waitFor({ state: 'detached' });
      await stage.shot('1-listed-in-audit');
      await done();
    });

    test('without a mouse a grant is chosen, and then what to do about it', async () => {
      const { workbench } = stage;
      const { keyboard } = workbench.page;
      const [first, second] = [hold(1, refOf(EDGE), { id: grantId(1) }), hold(2, refOf(API))];
      await listed();
      await keyboard.press('ArrowDown');
      await keyboard.press('Enter');
      await workbench.option(ACTS, 'Revoke').waitFor();
      await stage.shot('2-acts');
      await keyboard.press('Enter');
      await done(['revoke', { grantId: second.id }]);
      await gone(second);

      await listed();
      await keyboard.press('Enter');
      await workbench.option(ACTS, 'Extend…').waitFor();
      await keyboard.press('ArrowDown');
      await keyboard.press('Enter');
      await workbench.asking('How long from now?').waitFor();
      await keyboard.press('Escape');

      await listed();
      await keyboard.press('Enter');
      await workbench.option(ACTS, 'Show in audit').waitFor();
      await keyboard.press('ArrowDown');
      await keyboard.press('ArrowDown');
      await keyboard.press('Enter');
      await inAudit(first.id);
      await done(['revoke', { grantId: second.id }]);
    });

    test('Revoke all names everything first: Escape changes nothing, its button takes all back', async () => {
      const { workbench, daemon } = stage;
      const held = [hold(1, refOf(EDGE)), hold(2, refOf(API))];
      await listed();
      await workbench.choose(LIST, 'Revoke all');
      const dialog = workbench.dialog();
      await dialog.filter({ hasText: 'Revoke everything you hold (2)?' }).waitFor();
      for (const { name } of [EDGE, API]) await dialog.filter({ hasText: name }).waitFor();
      await stage.shot('3-revoke-all');
      await workbench.page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await workbench.page.waitForTimeout(A_MOMENT);
      await done();
      for (const { id } of held) assert.equal(daemon.live.now.grants[id]?.state, 'usable');
      await workbench.statusText(/\+1/).waitFor();

      await workbench.command('Portcullis: Revoke all');
      await workbench.answer('Revoke all');
      await done(['revoke.all', {}]);
      for (const grant of held) await gone(grant);
      await workbench.status('access').waitFor({ state: 'detached' });
    });

    test('Approve requests… leads from the palette to an approval with its reason', async () => {
      const { workbench, daemon } = stage;
      const requests = [941, 942].map((n) => requestBy(stage.clock, n, { mine: false, mayDecide: true, reason: `Reason ${n}` }));
      for (const request of requests) daemon.live.apply({ type: 'request', request });
      await workbench
        .row(/Alice Novak/)
        .first()
        .waitFor();
      await workbench.command('Portcullis: Approve requests…');
      await workbench.choose('Which request to decide?', /Reason 942/);
      await workbench.tab(/Alice Novak/).waitFor();
      await workbench.choose('Approve or deny?', 'Approve…');
      await workbench.answerWith('Why you approve', 'Agreed in the change meeting');
      await workbench.dialog().filter({ hasText: 'Reason 942' }).waitFor();
      await done();
      await stage.shot('4-approving');
      await workbench.answer('Approve');
      await done(['request.approve', { requestId: requests[1]?.id, reason: 'Agreed in the change meeting' }]);
      for (const { id } of requests) daemon.live.apply({ type: 'request.forgotten', requestId: id });
    });

    test('Show in audit on the row of what is held opens the panel on that grant', async () => {
      const { workbench } = stage;
      const grant = hold(1, refOf(EDGE), { id: grantId(1) });
      const row = await showBalancer(workbench, { subscription: 'Edge production', name: EDGE.name });
      await workbench.contextMenu(row.filter({ hasText: 'until' }), 'Show in audit', workbench.tab('Audit'));
      await inAudit(grant.id);
      await done();
    });
  });
}
