import assert from 'node:assert/strict';
import { approve, elevate, review } from '../acts.ts';
import type { Story } from '../story.ts';

// No server of ours: Microsoft Entra PIM decides, and each person's daemon asks it with their own identity.

export const pim: Story = {
  name: 'access through Entra PIM: from the tree to the write, taken back, and told as a whole',
  shots: 'pim',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    assert.equal(await stage.write('alice', balancer), 'denied');

    await review(workbench, balancer, { role: 'Network Contributor', minutes: 10, reason: 'Drain web-3 for the kernel update' });
    await workbench.option('Review, then request access', /Granted at once/i).waitFor();
    await stage.shot('alice', '1-review');
    await workbench.choose('Review, then request access', 'Request access');

    const status = workbench.status('access');
    await status.filter({ hasText: `${balancer.name} 9m` }).waitFor();
    assert.equal(await stage.write('alice', balancer), 'allowed', 'usable is shown only when it is true');
    await stage.shot('alice', '2-usable');

    await workbench.command('Portcullis: Revoke…');
    await status.filter({ hasText: /Revoking/ }).waitFor();
    await stage.shot('alice', '3-revoking');
    await status.waitFor({ state: 'detached' });
    assert.equal(await stage.write('alice', balancer), 'denied', 'gone is shown only when it is true');

    await workbench.command('Portcullis: Show audit');
    const panel = workbench.webview();
    const event = (kind: string) => panel.locator('[role="row"]', { hasText: kind }).first();
    for (const kind of ['Requested', 'Granted by policy', 'Activating', 'Assigned', 'Usable', 'Revoking', 'Gone'])
      await event(kind).waitFor();
    await event('Gone').click();
    await panel.getByRole('button', { name: 'Story of this grant' }).click();
    await panel.getByText('Drain web-3 for the kernel update').first().waitFor();
    await stage.shot('alice', '4-story');
  },
};

export const pimApproval: Story = {
  name: 'a second person approves in their own editor what Entra PIM asks them',
  shots: 'pim-approval',
  tell: async (stage) => {
    const alice = stage.player('alice').workbench;
    const ben = stage.player('ben').workbench;
    const balancer = stage.organisation.balancer({ subscription: 'Payments production' });
    const wish = { role: 'Network Contributor', minutes: 10, reason: 'Rotate the frontend', ticket: 'CHG-2026' };
    await elevate(alice, balancer, wish);
    await alice
      .status('access')
      .filter({ hasText: /Waiting for approval/ })
      .waitFor();
    assert.equal(await stage.write('alice', balancer), 'denied');

    await ben
      .row('Alice Novak')
      .filter({ hasText: `Network Contributor · ${balancer.name}` })
      .waitFor();
    await stage.shot('ben', '1-asked');
    await approve(ben, 'Alice Novak', 'Agreed in the stand-up');
    await alice
      .status('access')
      .filter({ hasText: `${balancer.name} 9m` })
      .waitFor();
    assert.equal(await stage.write('alice', balancer), 'allowed');
    await stage.shot('alice', '2-usable');
  },
};
