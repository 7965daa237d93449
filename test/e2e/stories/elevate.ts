import assert from 'node:assert/strict';
import { counted, elevate, GRANTED_AT_ONCE, readStory, review, revoke, showBalancer } from '../acts.ts';
import type { Story } from '../story.ts';

export const fromTreeToWrite: Story = {
  name: 'access from the tree to the write, counted down, taken back, and told as a whole',
  shots: 'elevate',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    assert.equal(await stage.write('alice', balancer), 'denied');

    await showBalancer(workbench, balancer);
    await stage.shot('alice', '1-tree');
    assert.equal(await workbench.offers('Portcullis: Revoke…'), false, 'what is not possible now is not offered');
    await review(workbench, balancer, { role: 'Backends', minutes: 3, reason: 'Drain web-3 for the kernel update' });
    await workbench.option('Review, then request access', /Granted at once/i).waitFor();
    await stage.shot('alice', '2-review');
    await workbench.choose('Review, then request access', 'Request access');

    const status = workbench.status('access');
    await status.filter({ hasText: /Activating/ }).waitFor();
    await stage.shot('alice', '3-activating');
    await status.filter({ hasText: new RegExp(`${balancer.name} \\d:\\d\\d`) }).waitFor();
    assert.equal(await stage.write('alice', balancer), 'allowed', 'usable is shown only when it is true');
    await workbench
      .row(balancer.name)
      .locator('.label-description', { hasText: /^until (\w+ )?\d\d:\d\d/ })
      .waitFor();
    assert.ok(await workbench.isInSight(workbench.headline(/Alice Novak/)), 'who you are stays above the rows');
    await stage.shot('alice', '4-usable');
    await status.click();
    await workbench.asking('Choose one to revoke, extend').waitFor();
    await stage.shot('alice', '4-what-I-hold');
    await workbench.page.keyboard.press('Escape');
    const before = await status.innerText();
    await status.filter({ hasNotText: before }).waitFor();

    await revoke(workbench, () => stage.shot('alice', '5-revoking'));
    assert.equal(await stage.write('alice', balancer), 'denied', 'gone is shown only when it is true');
    await stage.shot('alice', '6-gone');

    const kinds = ['Requested', 'Granted by policy', 'Activating', 'Usable', 'Revoking', 'Gone'];
    await readStory(workbench, kinds, 'Drain web-3 for the kernel update', () => stage.shot('alice', '7-audit'));
    await stage.shot('alice', '8-story');
  },
};

export const twoWindows: Story = {
  name: 'two windows show the same truth, and a reload keeps it',
  shots: 'windows',
  tell: async (stage) => {
    const { workbench, secondWindow } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    const other = await secondWindow();
    assert.equal(await stage.write('alice', balancer), 'denied');
    await elevate(workbench, balancer, { role: 'Backends', minutes: 10, reason: 'Drain web-3' });
    for (const window of [workbench, other]) await counted(window, balancer, '9m');

    await workbench.command('Portcullis: Show audit');
    const usable = workbench.webview().locator('[role="row"]', { hasText: 'Usable' }).first();
    await usable.waitFor();
    // A workbench in a browser writes down what is open every few seconds.
    await workbench.page.waitForTimeout(10_000);
    await workbench.reload();
    await counted(workbench, balancer, '9m');
    await usable.waitFor();
    await showBalancer(workbench, balancer);
    await workbench
      .row(balancer.name)
      .filter({ hasText: /until (\w+ )?\d\d:\d\d/ })
      .waitFor();
    assert.equal(await stage.write('alice', balancer), 'allowed');
    await stage.shot('alice', '1-reloaded');
    await stage.shot('alice', '2-the-other-window', other);

    await other.command('Portcullis: Revoke…');
    for (const window of [workbench, other]) await window.status('access').waitFor({ state: 'detached' });
    assert.equal(await stage.write('alice', balancer), 'denied');
    await readStory(workbench, GRANTED_AT_ONCE, 'Drain web-3');
    await other.page.close();
  },
};
