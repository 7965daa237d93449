import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { BALANCERS_VIEW, COMMANDS, PUBLISHED, SETTINGS } from '../../extension/contributions.ts';

describe('the extension in a real extension host', () => {
  const extension = vscode.extensions.getExtension(PUBLISHED);

  before(async () => {
    assert.ok(extension, `${PUBLISHED} is not installed`);
    await extension.activate();
  });

  it('activates', () => {
    assert.equal(extension?.isActive, true);
  });

  it('registers every command that it declares, before any daemon answers', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = COMMANDS.map(({ id }) => id).filter((id) => !known.has(id));
    assert.deepEqual(missing, []);
  });

  it('has its settings with their defaults', () => {
    for (const [key, { default: value }] of Object.entries(SETTINGS))
      assert.deepEqual(vscode.workspace.getConfiguration().get(key), value, key);
  });

  it('shows its view', async () => {
    await vscode.commands.executeCommand(`${BALANCERS_VIEW}.focus`);
  });
});
