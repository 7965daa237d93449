import assert from 'node:assert/strict';
import { until } from '../../support/until.ts';
import { counted, elevate, GRANTED_AT_ONCE, readStory, revoke, showBalancer } from '../acts.ts';
import type { Story } from '../story.ts';

const WISH = { role: 'Backends', minutes: 10, reason: 'Drain web-3' };

export const daemonKilled: Story = {
  name: 'a daemon that is killed while access is held',
  shots: 'daemon-killed',
  tell: async (stage) => {
    const { workbench, daemonPid } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    const status = workbench.status('access');
    assert.equal(await stage.write('alice', balancer), 'denied');
    await elevate(workbench, balancer, WISH);
    await counted(workbench, balancer, '9m');
    const killed = daemonPid();
    assert.ok(killed, 'the entry file names the daemon');
    process.kill(killed, 'SIGKILL');

    await status.filter({ hasText: /unknown/i }).waitFor();
    await workbench.row(balancer.name).filter({ hasText: 'access unknown' }).waitFor();
    assert.equal(await workbench.row(balancer.name).locator('.codicon-unlock.custom-view-tree-node-item-icon').count(), 0);
    await workbench.headline(/Access state unknown/).waitFor();
    await stage.shot('alice', '1-unknown');
    await until('another daemon', () => daemonPid() !== undefined && daemonPid() !== killed);
    await counted(workbench, balancer, '');
    assert.equal(await stage.write('alice', balancer), 'allowed', 'what is shown again is what is true');
    await stage.shot('alice', '2-known-again');

    await revoke(workbench);
    assert.equal(await stage.write('alice', balancer), 'denied');
    await readStory(workbench, [...GRANTED_AT_ONCE, 'Lease resumed'], WISH.reason);
    await stage.shot('alice', '3-story');
  },
};

export const centralDown: Story = {
  name: 'central goes away while access is held, and comes back',
  shots: 'central-down',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    const status = workbench.status('access');
    assert.equal(await stage.write('alice', balancer), 'denied');
    await elevate(workbench, balancer, WISH);
    await counted(workbench, balancer, '9m');
    await stage.organisation.central.kill();
    await status.filter({ hasText: /unknown/i }).waitFor();
    await stage.shot('alice', '1-unknown');
    await workbench.contextMenu(await showBalancer(workbench, stage.organisation.balancer({ env: 'prod' })), 'Elevate…', 'Choose a role');
    await workbench.option('Choose a role', /central/i).waitFor();
    await stage.shot('alice', '2-no-new-power');
    await workbench.page.keyboard.press('Escape');

    await stage.organisation.central.start();
    await counted(workbench, balancer, '');
    assert.equal(await stage.write('alice', balancer), 'allowed');

    // A revocation that nobody can take now is not dropped, and not called done.
    await stage.organisation.central.kill();
    await status.filter({ hasText: /unknown/i }).waitFor();
    await workbench.command('Portcullis: Revoke…');
    await status.filter({ hasText: /Revoking|unknown/i }).waitFor();
    await stage.shot('alice', '3-revoking-without-central');
    assert.equal(await stage.write('alice', balancer), 'allowed', 'the screen does not say that it has ended');
    await stage.organisation.central.start();
    await status.waitFor({ state: 'detached' });
    assert.equal(await stage.write('alice', balancer), 'denied');
    await readStory(workbench, [...GRANTED_AT_ONCE, 'Contact lost', 'Contact restored'], WISH.reason);
    await stage.shot('alice', '4-story');
  },
};
