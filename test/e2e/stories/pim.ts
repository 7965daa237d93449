import assert from 'node:assert/strict';
import { approve, counted, elevate, GRANTED_BY_A_PERSON, readStory, review, revoke } from '../acts.ts';
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

    await counted(workbench, balancer, '9m');
    assert.equal(await stage.write('alice', balancer), 'allowed', 'usable is shown only when it is true');
    await stage.shot('alice', '2-usable');

    await revoke(workbench, () => stage.shot('alice', '3-revoking'));
    assert.equal(await stage.write('alice', balancer), 'denied', 'gone is shown only when it is true');

    const kinds = ['Requested', 'Granted by policy', 'Activating', 'Assigned', 'Usable', 'Revoking', 'Gone'];
    await readStory(workbench, kinds, 'Drain web-3 for the kernel update');
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
    await counted(alice, balancer, '9m');
    assert.equal(await stage.write('alice', balancer), 'allowed');
    await stage.shot('alice', '2-usable');
    await revoke(alice);
    assert.equal(await stage.write('alice', balancer), 'denied');
    await readStory(alice, GRANTED_BY_A_PERSON, wish.reason);
    await stage.shot('alice', '3-story');
  },
};
