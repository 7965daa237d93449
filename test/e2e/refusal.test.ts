import assert from 'node:assert/strict';
import { review, showBalancer } from './acts.ts';
import { story } from './story.ts';

story(
  'what the policy does not allow is refused before it is asked, with the reason',
  { story: 'refusal', people: ['alice', 'ben'] },
  async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'prod' });
    await review(workbench, balancer, { role: 'Full write', minutes: 30, reason: 'Replace the frontend', ticket: 'OPS-1234' });
    await workbench.option('Review, then request access', /Needs approval/i).waitFor();
    await stage.shot('alice', '1-needs-approval');
    await workbench.page.keyboard.press('Escape');

    const ben = stage.player('ben').workbench;
    await ben.contextMenu(await showBalancer(ben, balancer), 'Elevate…');
    await ben.asking('Choose a role').getByText('Not for you now').waitFor();
    await stage.shot('ben', '2-refused');
    assert.equal(await stage.write('ben', balancer), 'denied');
  },
);
