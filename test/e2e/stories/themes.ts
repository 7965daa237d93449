import { counted, elevate } from '../acts.ts';
import type { Story } from '../story.ts';

/** By the name of the picture: VS Code's name of the theme, and how the workbench is then marked. */
const THEMES = {
  dark: ['Dark Modern', 'vs-dark'],
  light: ['Light Modern', 'vs'],
  'high-contrast': ['Dark High Contrast', 'hc-black'],
} as const;

export const theme: Story = {
  name: 'tree, countdown and approvals in a dark, a light and a high contrast theme',
  shots: 'theme',
  tell: async (stage) => {
    const [alice, ben] = [stage.player('alice').workbench, stage.player('ben').workbench];
    const [held, asked] = [stage.organisation.balancer({ env: 'staging' }), stage.organisation.balancer({ env: 'prod' })];
    // Health is what a reader may not ask Azure for: Observe gives it.
    await elevate(alice, held, { role: 'Observe', minutes: 10, reason: 'See which members are down' });
    await counted(alice, held, '9m');
    await alice.expand(held.name);
    await alice.row('Backend pools').filter({ hasText: / up/ }).waitFor();
    await alice.expand('Backend pools');
    await elevate(alice, asked, { role: 'Backends', minutes: 30, reason: 'Move the pool to the new nodes' });
    await ben.row('Alice Novak').waitFor();

    for (const [name, [theme, mark]] of Object.entries(THEMES)) {
      for (const [who, workbench] of Object.entries({ alice, ben })) {
        await workbench.command('Preferences: Color Theme');
        await workbench.answerWith('Select Color Theme', theme);
        await workbench.page.locator(`.monaco-workbench.${mark}`).waitFor();
        await stage.shot(who as 'alice' | 'ben', `${name}-${who}`);
      }
    }
  },
};
