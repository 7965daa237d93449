import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { elevate, revoke } from '../acts.ts';
import type { Story } from '../story.ts';

const SECOND = 1_000;
/** Each starts an Azure CLI. */
const BETWEEN_WRITES = 500;

/** `$(unlock) lb 1:42` or `lb 9m` as seconds at least. */
function left(text: string): number {
  const [, minutes, seconds] = /(\d+):(\d\d)/.exec(text) ?? [];
  if (minutes !== undefined) return Number(minutes) * 60 + Number(seconds);
  return Number(/(\d+)m/.exec(text)?.[1] ?? 'NaN') * 60;
}

export const extend: Story = {
  name: 'access that is extended lasts across its old end, and is then taken back',
  shots: 'extend',
  tell: async (stage) => {
    const { workbench } = stage.player('alice');
    const balancer = stage.organisation.balancer({ env: 'staging' });
    const status = workbench.status('access');
    assert.equal(await stage.write('alice', balancer), 'denied');
    await elevate(workbench, balancer, { role: 'Backends', minutes: 1, reason: 'Drain web-3' });
    await status.filter({ hasText: new RegExp(`${balancer.name} 0:\\d\\d`) }).waitFor();
    const oldEnd = Date.now() + left(await status.innerText()) * SECOND;
    await stage.shot('alice', '1-before');

    await workbench.command('Portcullis: Extend…');
    await workbench.answerWith('How long from now?', '4');
    await workbench.asking('Reason').locator('input').press('Enter');
    await workbench.option('Review, then request the extension', 'Request extension').waitFor();
    await stage.shot('alice', '2-review');
    await workbench.choose('Review, then request the extension', 'Request extension');

    const seen: string[] = [];
    const verdicts = new Set<string>();
    let later = 0;
    while (Date.now() < oldEnd + 5 * SECOND) {
      const text = await status.innerText({ timeout: 2 * SECOND });
      seen.push(text);
      if (left(text) > (oldEnd - Date.now()) / SECOND + 60 && later === 0) {
        later = Date.now();
        await stage.shot('alice', '3-extended');
      }
      verdicts.add(await stage.write('alice', balancer));
      await wait(BETWEEN_WRITES);
    }
    assert.ok(later > 0 && later < oldEnd, `the later end is shown before the old one is reached: ${seen.join(' | ')}`);
    assert.deepEqual(
      seen.filter((text) => !text.includes(balancer.name) || Number.isNaN(left(text))),
      [],
      'the countdown has no gap',
    );
    assert.deepEqual([...verdicts], ['allowed'], 'nor has the access');
    await stage.shot('alice', '4-past-the-old-end');

    await revoke(workbench);
    assert.equal(await stage.write('alice', balancer), 'denied');
  },
};
