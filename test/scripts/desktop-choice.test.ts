import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Choosing, chosenDesktop } from '../../scripts/desktop-choice.ts';

const CODE = '/usr/bin/code';

/** What was chosen, what was asked and what was said. */
async function choosing({ args = [], code = CODE, answer }: { args?: string[]; code?: string | undefined; answer?: string }) {
  const heard: string[] = [];
  const ask: Choosing['ask'] = async (question) => {
    heard.push(question);
    return answer ?? '';
  };
  const chosen = await chosenDesktop({ args, code, ask: answer === undefined ? undefined : ask, say: (text) => heard.push(text) });
  return { chosen, heard: heard.join() };
}

for (const answer of ['y', 'Y', 'yes', ' Yes \n'])
  test(`answered ${JSON.stringify(answer)}, the demo takes desktop VS Code`, async () => {
    const { chosen, heard } = await choosing({ answer });
    assert.equal(chosen, CODE);
    assert.match(heard, /Use it instead of the browser\?/);
  });

for (const answer of ['', 'n', 'no', 'yeah, but not now'])
  test(`answered ${JSON.stringify(answer)}, the demo takes the browser`, async () => {
    assert.equal((await choosing({ answer })).chosen, undefined);
  });

test('without a terminal nobody is asked: the browser is taken, and the other way is said', async () => {
  const { chosen, heard } = await choosing({});
  assert.equal(chosen, undefined);
  assert.match(heard, /npm run demo -- --desktop/);
});

test('--desktop and --browser are not asked about', async () => {
  assert.deepEqual(await choosing({ args: ['--desktop'], answer: 'n' }), { chosen: CODE, heard: '' });
  assert.deepEqual(await choosing({ args: ['--browser'], answer: 'y' }), { chosen: undefined, heard: '' });
});

test('--desktop without `code` says so, and nothing is asked where there is no choice', async () => {
  const none = { code: undefined, ask: async () => 'y', say: () => {} };
  await assert.rejects(chosenDesktop({ ...none, args: ['--desktop'] }), /no `code` on the PATH/);
  const ask = () => assert.fail('asked');
  assert.equal(await chosenDesktop({ ...none, args: [], ask }), undefined);
});
