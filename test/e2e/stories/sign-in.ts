import { showBalancer } from '../acts.ts';
import type { Story } from '../story.ts';

export const signedOut: Story = {
  name: 'somebody who is not signed in is told so, and sees the load balancers once they are',
  shots: 'signed-out',
  tell: async (stage) => {
    const { workbench, desk } = stage.player('alice');
    const welcome = workbench.welcome('Sign in to see the load balancers');
    await welcome.waitFor();
    await stage.shot('alice', '1-welcome');

    await workbench.press(welcome, 'Sign in', workbench.option('Where?', 'Azure'));
    // Only now: a daemon that notices it by itself would have nothing left to ask.
    desk.signIn();
    await workbench.choose('Where?', 'Azure');
    await workbench.row('Shop staging').filter({ hasText: '6' }).waitFor();
    await workbench.headline(/^Alice Novak · Azure CLI$/).waitFor();
    await stage.shot('alice', '2-signed-in');

    const balancer = stage.organisation.balancer({ env: 'staging' });
    const { faults } = stage.organisation.azure.world;
    const refuse = { kind: 'refuse', status: 403, code: 'AuthorizationFailed', message: 'No read access' } as const;
    const mend = faults.add({ call: new RegExp(`^GET .*/loadBalancers/${balancer.name}\\?`, 'i'), trouble: refuse });
    await showBalancer(workbench, balancer);
    await workbench.expand(balancer.name);
    const problem = workbench.page.locator('.part.sidebar .monaco-list-row[aria-label^="Error:"]');
    await problem.waitFor();
    await stage.shot('alice', '3-parts-not-readable');
    mend();
    await workbench.inlineAction(problem, 'Retry');
    await workbench.row('Backend pools').waitFor();

    await workbench.filter('no such load balancer');
    const noMatch = workbench.welcome('No load balancer matches the filter');
    await noMatch.waitFor();
    await stage.shot('alice', '4-no-match');
    await workbench.press(noMatch, 'Clear filter', workbench.row('Shop staging'));
  },
};
