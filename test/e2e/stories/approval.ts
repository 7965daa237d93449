import assert from 'node:assert/strict';
import { approve, counted, deny, elevate, GRANTED_BY_A_PERSON, readStory, revoke, told } from '../acts.ts';
import type { Story } from '../story.ts';

const LONG = { role: 'Backends', minutes: 30, reason: 'Move the checkout pool to the new nodes' };

export const approval: Story = {
  name: 'what needs a second person waits for that person',
  shots: 'approval',
  tell: async (stage) => {
    const [alice, ben] = [stage.player('alice').workbench, stage.player('ben').workbench];
    const balancer = stage.organisation.balancer({ env: 'prod' });
    await elevate(alice, balancer, LONG);
    await alice
      .status('access')
      .filter({ hasText: /Waiting for approval/ })
      .waitFor();
    assert.equal(await stage.write('alice', balancer), 'denied');
    await stage.shot('alice', '1-waiting');

    const request = 'Alice Novak';
    await ben
      .row(request)
      .filter({ hasText: `Backends · ${balancer.name}` })
      .waitFor();
    await stage.shot('ben', '2-asked');
    await approve(ben, request, 'Agreed in the change meeting');
    await counted(alice, balancer, '29m');
    assert.equal(await stage.write('alice', balancer), 'allowed');
    await stage.shot('alice', '3-approved');
    await revoke(alice);
    assert.equal(await stage.write('alice', balancer), 'denied');
    await readStory(alice, GRANTED_BY_A_PERSON, LONG.reason);
    await told(alice, /Ben Okafor approved/);
    await stage.shot('alice', '4-story');

    await elevate(alice, balancer, LONG);
    await ben.row(request).waitFor();
    await deny(ben, request, 'Not during the sale');
    await alice.toast(/Ben Okafor denied your request.*Not during the sale/).waitFor();
    await stage.shot('alice', '5-denied');
    assert.equal(await stage.write('alice', balancer), 'denied');

    await elevate(alice, balancer, LONG);
    await alice
      .status('access')
      .filter({ hasText: /Waiting for approval/ })
      .waitFor();
    await alice.command('Portcullis: Cancel request');
    await alice.status('access').waitFor({ state: 'detached' });
    await stage.shot('alice', '6-cancelled');
    await ben.row(request).waitFor({ state: 'detached' });
  },
};
