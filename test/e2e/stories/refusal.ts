import assert from 'node:assert/strict';
import { review, showBalancer, told } from '../acts.ts';
import type { Story } from '../story.ts';

const REVIEW = 'Review, then request access';

export const refusal: Story = {
  name: 'what the policy does not allow is refused with its reason, before it is asked and when it is',
  shots: 'refusal',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'prod' });
    await review(workbench, balancer, { role: 'Full write', minutes: 30, reason: 'Replace the frontend', ticket: 'OPS-1234' });
    await workbench.option(REVIEW, /Needs approval/i).waitFor();
    await stage.shot('alice', '1-needs-approval');

    // What was true at the review need not be true at the request: the balancer is frozen in between.
    const { subscriptionId, resourceGroup, name } = balancer;
    const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/loadBalancers/${name}`;
    const stored = stage.organisation.azure.world.resources.get(id);
    assert.ok(stored, 'the balancer is in the simulated cloud');
    stored.resource.tags = { ...stored.resource.tags, freeze: 'true' };
    await workbench.choose(REVIEW, 'Request access');
    await workbench.option(REVIEW, /This balancer is frozen/).waitFor();
    await stage.shot('alice', '2-refused-when-asked');
    assert.equal(await stage.write('alice', balancer), 'denied');
    await workbench.page.keyboard.press('Escape');
    await workbench.command('Portcullis: Show audit');
    await workbench.webview().locator('[role="row"]', { hasText: 'Denied' }).first().click();
    await told(workbench, /This balancer is frozen/);
    await stage.shot('alice', '3-in-the-audit');

    const ben = stage.player('ben').workbench;
    await ben.contextMenu(await showBalancer(ben, balancer), 'Elevate…', 'Choose a role');
    await ben.asking('Choose a role').getByText('Not for you now').waitFor();
    await ben.option('Choose a role', /No rule lets you have this role here/).waitFor();
    await stage.shot('ben', '4-not-for-you');
    assert.equal(await stage.write('ben', balancer), 'denied');
  },
};
