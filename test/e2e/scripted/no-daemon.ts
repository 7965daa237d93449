import { test } from 'node:test';
import type { ScriptedStage } from './stage.ts';

export function tellNoDaemon(on: () => ScriptedStage): void {
  test('without a daemon the editor says why, and what to do', async () => {
    const { workbench, shot } = on();
    const welcome = workbench.welcome('The Portcullis daemon is not running');
    await welcome.waitFor();
    await shot('1-welcome');
    await welcome.getByRole('button', { name: 'Start' }).click();
    await workbench.toast(/no program at \/nowhere\/node/).waitFor();
    await shot('2-start-fails');
  });
}
