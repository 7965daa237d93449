import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { vsce } from '../../../scripts/package.ts';

/** What a person does about their Microsoft account in VS Code, as commands in the palette. */
export const MICROSOFT = { renew: 'Stand-in: Renew the Microsoft session', leave: 'Stand-in: Sign out of Microsoft' } as const;

/**
 * Packs an extension that takes the place of VS Code's own Microsoft accounts, for the real one needs Microsoft: it is there first,
 * and an editor takes only one. All between it and who asks is VS Code: consent, the account that was chosen, silence.
 * @param tokens Of its sessions, one after the other.
 * @returns The file to install.
 */
export function microsoftStandIn(folder: string, tokens: readonly string[]): string {
  const commands = Object.entries(MICROSOFT).map(([id, title]) => ({ command: `stand-in.${id}`, title }));
  const manifest = {
    name: 'microsoft-stand-in',
    publisher: 'portcullis-test',
    version: '0.0.1',
    license: 'MIT',
    engines: { vscode: '^1.123.0' },
    main: './main.js',
    activationEvents: ['*'],
    contributes: { commands },
  };
  mkdirSync(folder, { recursive: true });
  const files = { 'package.json': JSON.stringify(manifest), 'README.md': 'A stand-in.', LICENSE: 'MIT', 'main.js': program(tokens) };
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  const vsix = path.join(folder, 'stand-in.vsix');
  vsce(folder, 'package', '--no-dependencies', '--allow-missing-repository', '--allow-star-activation', '--out', vsix);
  return vsix;
}

const program = (tokens: readonly string[]) => `
const { authentication, commands, EventEmitter } = require('vscode');
const tokens = ${JSON.stringify(tokens)};
const changed = new EventEmitter();
let sessions = [];
const opened = (scopes) => ({ id: 'one', accessToken: tokens.shift(), scopes, account: { id: 'alice', label: 'alice@example.test' } });
const provider = {
  onDidChangeSessions: changed.event,
  getSessions: async () => sessions,
  async createSession(scopes) {
    sessions = [opened(scopes)];
    changed.fire({ added: sessions, removed: [], changed: [] });
    return sessions[0];
  },
  async removeSession() {
    const removed = sessions;
    sessions = [];
    changed.fire({ added: [], removed, changed: [] });
  },
};
exports.activate = ({ subscriptions }) => void subscriptions.push(
  authentication.registerAuthenticationProvider('microsoft', 'Microsoft', provider),
  commands.registerCommand('stand-in.renew', () => {
    sessions = [opened(sessions[0].scopes)];
    changed.fire({ added: [], removed: [], changed: sessions });
  }),
  commands.registerCommand('stand-in.leave', () => provider.removeSession()),
);
`;
