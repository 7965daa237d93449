import assert from 'node:assert/strict';
import { counted, elevate, GRANTED_AT_ONCE, readStory, told } from '../acts.ts';
import type { Story } from '../story.ts';

export const expiry: Story = {
  name: 'access ends by itself at its instant',
  shots: 'expiry',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    assert.equal(await stage.write('alice', balancer), 'denied');
    await elevate(workbench, balancer, { role: 'Backends', minutes: 1, reason: 'A quick look' });
    const asked = Date.now();
    const status = workbench.status('access');
    await counted(workbench, balancer, '0:');
    assert.equal(await stage.write('alice', balancer), 'allowed');
    await status.waitFor({ state: 'detached', timeout: 90_000 });
    assert.equal(await stage.write('alice', balancer), 'denied');
    assert.ok(Date.now() - asked < 85_000, 'soon after its minute');
    await stage.shot('alice', '1-ended');
    await readStory(workbench, GRANTED_AT_ONCE, 'A quick look');
    await told(workbench, /its time is up/);
    await stage.shot('alice', '2-story');
  },
};
