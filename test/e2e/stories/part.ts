import assert from 'node:assert/strict';
import { counted, elevatePool, GRANTED_AT_ONCE, readStory, revoke, showPool } from '../acts.ts';
import type { Story } from '../story.ts';

export const part: Story = {
  name: 'access to one backend pool, from the icon on its row, opens that pool and no other',
  shots: 'part',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'prod' });
    const verdicts = async () => [await stage.write('alice', balancer, 'web'), await stage.write('alice', balancer, 'api')];
    assert.deepEqual(await verdicts(), ['denied', 'denied']);

    await elevatePool(workbench, balancer, 'web', { role: 'Backends', minutes: 10, reason: 'Drain web-3' });
    await counted(workbench, balancer, '9m');
    assert.deepEqual(await verdicts(), ['allowed', 'denied']);
    const row = await showPool(workbench, balancer, 'web');
    await row.locator('.label-description', { hasText: /^until (\w+ )?\d\d:\d\d/ }).waitFor();
    await workbench
      .row(balancer.name)
      .filter({ hasText: /until (\w+ )?\d\d:\d\d on web/ })
      .waitFor();
    await stage.shot('alice', '1-usable');

    await revoke(workbench);
    assert.deepEqual(await verdicts(), ['denied', 'denied']);
    await readStory(workbench, GRANTED_AT_ONCE, 'Drain web-3');
    await stage.shot('alice', '2-story');
  },
};
