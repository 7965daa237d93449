import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { ElevationRequest, Problem } from '../../protocol/model.ts';
import { yes } from '../../protocol/refusal.ts';
import type { Change } from '../../protocol/state.ts';
import { BACKENDS, EDGE, refOf } from '../daemon/cli/estate.ts';
import { ACCOUNTS, BALANCERS, grantOn, requestBy } from '../editor/organisation.ts';
import { until } from '../support/until.ts';
import { elevate } from './acts.ts';
import { type ScriptedStage, startScripted } from './scripted-stage.ts';

/** Every state change is visible within so many ms of its event. */
const WITHIN = 250;
const ROUNDS = 7;

const ROW = '.part.sidebar .monaco-list-row';
const STATUS = '.part.statusbar .statusbar-item[id="portcullis.portcullis.access"]';
const BADGE = '.part.activitybar .badge-content';

const NO_ROOM: Problem = {
  code: 'unsupported',
  message: 'This subscription has no room for another role assignment.',
  wayOut: 'An administrator must remove assignments that are not needed.',
};
const LOCKED: Problem = {
  code: 'locked',
  message: 'A resource lock keeps Azure from removing the right: CanNotDelete lock "keep" on prod-edge.',
  wayOut: 'An administrator must remove the lock. Until then the elevation does not end.',
};

type Places = readonly (readonly [selector: string, text: RegExp])[];

describe('what the daemon says, and what a person sees', () => {
  let stage: ScriptedStage;
  let found = true;
  const asked: ElevationRequest[] = [];
  before(async () => {
    stage = await startScripted('states', {
      'inventory.accounts': () => ({ accounts: found ? ACCOUNTS : [], fetchedAt: stage.clock.now() }),
      request: ({ resourceId, reason, duration }) => {
        const request = requestBy(stage.clock, 900 + asked.length, { resource: { ...refOf(EDGE), id: resourceId }, reason, duration });
        asked.push(request);
        stage.daemon.live.apply({ type: 'request', request });
        return yes({ requestId: request.id });
      },
    });
    await stage.workbench.expand('Edge production');
    await stage.workbench.row(EDGE.name).waitFor();
  });
  after(() => stage?.close());

  /** How long each of the places takes to show the text, in ms: in the frame in which it is drawn. */
  async function seen(change: Change, places: Places): Promise<number[]> {
    const { page } = stage.workbench;
    const drawn = places.map(([selector, text]) => whenDrawn(page, selector, text));
    // What was sent before is at work once this is answered.
    await page.evaluate(() => undefined);
    const at = Date.now();
    stage.daemon.live.apply(change);
    const spans = (await Promise.all(drawn)).map((instant) => instant - at);
    await wait(400);
    return spans;
  }

  test('a grant is in the tree and in the status bar within 250 ms', async (t) => {
    const [tree, status]: [number[], number[]] = [[], []];
    for (let n = 1; n <= ROUNDS; n++) {
      const grant = grantOn(stage.clock, n, refOf(EDGE));
      for (const [state, inTree, inStatus] of [
        ['activating', /activating/, /Activating/],
        ['usable', /until/, /prod-edge 14m/],
        ['revoking', /revoking/, /Revoking/],
      ] as const) {
        const places = [
          [ROW, inTree],
          [STATUS, inStatus],
        ] as const satisfies Places;
        const [first = Number.NaN, second = Number.NaN] = await seen({ type: 'grant', grant: { ...grant, state } }, places);
        tree.push(first);
        status.push(second);
      }
      stage.daemon.live.apply({ type: 'grant.forgotten', grantId: grant.id });
      await wait(400);
    }
    judge(t, 'a row of the tree', tree);
    judge(t, 'the status bar', status);
  });

  test('a request is in the approvals within 250 ms, with its badge', async (t) => {
    const [rows, badges]: [number[], number[]] = [[], []];
    for (let n = 1; n <= ROUNDS; n++) {
      const request = requestBy(stage.clock, n, { mine: false, mayDecide: true });
      const [row = Number.NaN, badge = Number.NaN] = await seen({ type: 'request', request }, [
        [ROW, /Alice Novak/],
        [BADGE, /^1$/],
      ]);
      rows.push(row);
      badges.push(badge);
      stage.daemon.live.apply({ type: 'request.forgotten', requestId: request.id });
      await wait(400);
    }
    judge(t, 'a row of the approvals', rows);
    judge(t, 'the badge', badges);
  });

  const refresh = () => {
    const inventory = { ...stage.daemon.live.now.inventory, revision: stage.daemon.live.now.inventory.revision + 1 };
    stage.daemon.live.apply({ type: 'inventory', inventory });
  };

  /** What this person asks for at the editor, as the daemon heard it. */
  async function asking(reason: string): Promise<ElevationRequest> {
    await elevate(stage.workbench, { subscription: 'Edge production', name: EDGE.name }, { role: BACKENDS.title, minutes: 20, reason });
    return until('the request', () => asked.find((request) => request.reason === reason));
  }

  test('a request that nobody decided in time, and a grant that the cloud did not give, are told', async () => {
    const { workbench, daemon, shot } = stage;
    const row = workbench.row(EDGE.name);
    await workbench.dismissToasts();
    const lapsed = await asking('Drain web-3');
    await workbench.statusText('Waiting for approval').waitFor();
    daemon.live.apply({ type: 'request', request: { ...lapsed, state: 'expired' } });
    await workbench.toast(/Nobody decided your request for .* in time/).waitFor();
    await row.filter({ hasNotText: 'waiting' }).waitFor();
    await shot('1-lapsed');
    await workbench.dismissToasts();

    const approved = await asking('Drain web-4');
    const grant = grantOn(stage.clock, 901, approved.resource, { requestId: approved.id, state: 'activating' });
    daemon.live.apply({ type: 'request', request: { ...approved, state: 'approved', grantId: grant.id } });
    daemon.live.apply({ type: 'grant', grant });
    await workbench.statusText('Activating').waitFor();
    daemon.live.apply({ type: 'grant', grant: { ...grant, state: 'failed', problem: NO_ROOM } });
    await workbench.toast(NO_ROOM.message).waitFor();
    await workbench.status('access').waitFor({ state: 'detached' });
    await row.filter({ hasNotText: /waiting|activating/ }).waitFor();
    await shot('2-grant-failed');
    await workbench.dismissToasts();
    daemon.live.apply({ type: 'grant.forgotten', grantId: grant.id });
  });

  test('several grants are one line, with the number of the others', async () => {
    const { workbench, daemon, shot, clock } = stage;
    const held = BALANCERS.slice(0, 3).map((balancer, n) =>
      grantOn(clock, 910 + n, refOf(balancer), { notAfter: clock.now() + (n + 4) * 60_000 }),
    );
    for (const grant of held) daemon.live.apply({ type: 'grant', grant });
    await workbench.statusText(/prod-edge 3:\d\d \+2/).waitFor();
    await shot('3-others');
    await workbench.status('access').click();
    await workbench.option('Choose one to revoke', 'Revoke all').waitFor();
    await shot('4-others-listed');
    // The open list follows every change.
    const [first, ...others] = held;
    for (const { id } of others) daemon.live.apply({ type: 'grant.forgotten', grantId: id });
    await workbench.option('Choose one to revoke', 'Revoke all').waitFor({ state: 'detached' });
    await workbench.option('Choose one to revoke', EDGE.name).waitFor();
    await workbench.page.keyboard.press('Escape');
    if (first) daemon.live.apply({ type: 'grant.forgotten', grantId: first.id });
    await workbench.status('access').waitFor({ state: 'detached' });
  });

  test('a lock that keeps a right is named wherever the revocation shows', async () => {
    const { workbench, daemon, shot, clock } = stage;
    const grant = grantOn(clock, 920, refOf(EDGE), { state: 'revoking', problem: LOCKED });
    daemon.live.apply({ type: 'grant', grant });
    await workbench.row(EDGE.name).filter({ hasText: 'cannot be revoked' }).waitFor();
    await workbench.status('access').filter({ hasText: 'Cannot revoke' }).hover();
    await workbench.page.locator('.monaco-hover:visible', { hasText: 'CanNotDelete' }).waitFor();
    await shot('5-locked');
    await workbench.status('access').click();
    await workbench.option('Choose one to revoke', /CanNotDelete/).waitFor();
    await shot('6-locked-listed');
    await workbench.page.keyboard.press('Escape');
    daemon.live.apply({ type: 'grant.forgotten', grantId: grant.id });
  });

  test('what is asked can be read whole before it is decided', async () => {
    const { workbench, daemon, shot, clock } = stage;
    const request = requestBy(clock, 930, { mine: false, mayDecide: true });
    daemon.live.apply({ type: 'request', request });
    await workbench.row(/Alice Novak/).click();
    await workbench.tab(/Alice Novak/).waitFor();
    await workbench.page.locator('.view-line', { hasText: 'What the cloud will really allow' }).waitFor();
    await shot('7-what-is-asked');
    daemon.live.apply({ type: 'request.forgotten', requestId: request.id });
  });

  test('where nothing is found it is said, with a way out', async () => {
    const { workbench, shot } = stage;
    await workbench.tidy();
    found = false;
    refresh();
    const welcome = workbench.welcome('No load balancers found');
    await welcome.waitFor();
    await shot('8-nothing-found');
    found = true;
    await workbench.press(welcome, 'Refresh', workbench.row('Edge production'));
  });
});

function judge(t: TestContext, what: string, spans: readonly number[]): void {
  const sorted = spans.toSorted((a, b) => a - b);
  t.diagnostic(`${what} after ${spans.join(', ')} ms`);
  // Some are late because this machine is busy with other tests.
  const most = sorted[Math.floor(sorted.length * 0.75)] ?? Number.NaN;
  assert.ok(most < WITHIN, `${what}: a quarter took ${most} ms and more`);
}

/** The instant of the first frame that shows an element with this text. */
function whenDrawn(page: Page, selector: string, text: RegExp): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    const look = () => {
      const found = [...document.querySelectorAll(${JSON.stringify(selector)})].some(({ textContent }) => ${text}.test(textContent));
      if (!found) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(Date.now()));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    look();
  })`);
}
