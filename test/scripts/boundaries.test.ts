import assert from 'node:assert/strict';
import { test } from 'node:test';
import { violations } from '../../scripts/boundaries/violations.ts';

const rulesOf = (file: string, source: string) => violations(file, source).map(({ rule }) => rule);

const PLANTED: [what: string, file: string, source: string, rule: RegExp][] = [
  ['extension imports daemon', 'extension/a.ts', "import { x } from '../daemon/x.ts';", /extension\/ may import only protocol/],
  ['extension imports a type of cloud', 'extension/a.ts', "import type { P } from '../cloud/provider.ts';", /extension\/ may import only/],
  ['webview imports extension', 'webview/a.ts', "import { x } from '../extension/x.ts';", /webview\/ may import only protocol/],
  ['protocol imports cloud', 'protocol/a.ts', "export { x } from '../cloud/x.ts';", /protocol\/ may import nothing of ours/],
  ['protocol imports Node', 'protocol/a.ts', "import fs from 'node:fs';", /protocol\/ runs without Node/],
  ['protocol imports vscode', 'protocol/a.ts', "import type * as vscode from 'vscode';", /the editor is known to extension/],
  ['protocol imports a package', 'protocol/a.ts', "import ws from 'kysely';", /protocol\/ needs its validator/],
  ['daemon imports central', 'daemon/a.ts', "const x = await import('../central/main.ts');", /daemon\/ may import only protocol, cloud/],
  ['central imports daemon in a type', 'central/a.ts', "type X = import('../daemon/x.ts').X;", /central\/ may import only/],
  ['production imports a test', 'daemon/a.ts', "import { x } from '../test/clouds/azure/start.ts';", /daemon\/ may import only/],
  ['the manifest outside main files', 'daemon/a.ts', "import m from '../package.json' with { type: 'json' };", /daemon\/ may import only/],
  ['toolkit outside its file', 'webview/list.ts', "import '@vscode/webview-ui-toolkit';", /component library/],
  ['ws in central', 'central/a.ts', "import { WebSocket } from 'ws';", /ws lives in the door/],
  ['cloud SDK in the daemon', 'daemon/a.ts', "import { x } from '@azure/identity';", /cloud SDKs/],
  ['cloud SDK in the extension', 'extension/a.ts', "require('@azure/identity');", /cloud SDKs/],
  ['a logger of its own', 'daemon/a.ts', "import pino from 'pino';", /the logger is made in one place/],
  ['Date.now', 'daemon/a.ts', 'export const x = Date.now();', /injected Clock/],
  ['new Date()', 'cloud/a.ts', 'export const x = new Date();', /injected Clock/],
  ['performance.now', 'webview/a.ts', 'performance.now();', /injected Clock/],
  ['setTimeout', 'central/a.ts', 'setTimeout(() => {}, 5);', /injected Clock/],
  ['setInterval', 'webview/a.ts', 'window.setInterval(() => {}, 5);', /injected Clock/],
  ['node:timers', 'daemon/a.ts', "import { setTimeout } from 'node:timers/promises';", /injected Clock/],
  ['the environment', 'daemon/a.ts', 'export const home = process.env.HOME;', /read in main files/],
  ['an empty name', 'daemon/lease-manager.ts', '', /file name/],
];

for (const [what, file, source, rule] of PLANTED) {
  test(`reports: ${what}`, () => {
    assert.match(rulesOf(file, source).join('\n'), rule);
  });
}

const ALLOWED: [what: string, file: string, source: string][] = [
  ['the version from the manifest', 'central/main.ts', "import m from '../package.json' with { type: 'json' };"],
  ['a date from an instant', 'webview/a.ts', 'export const x = (at: number) => new Date(at);'],
  ['a clock file', 'daemon/system-clock.ts', 'setTimeout(() => Date.now(), 5);'],
  ['a test', 'test/daemon/a.test.ts', "import { x } from '../../central/x.ts'; import '@azure/identity'; setTimeout(() => {}, 5);"],
  ['the type of a logger', 'daemon/a.ts', "import type { Logger } from 'pino';"],
  ['monotonic time in main', 'webview/main.ts', 'performance.now();'],
  ['environment in main', 'daemon/cli/main.ts', 'export const x = process.env;'],
  ['cloud SDK in cloud/', 'cloud/azure/a.ts', "const x = await import('@azure/arm-network');"],
  ['self-service, a word of the field', 'cloud/azure/self-service.ts', ''],
  ['protocol everywhere', 'extension/a.ts', "import { x } from '../protocol/x.ts'; import * as vscode from 'vscode';"],
];

for (const [what, file, source] of ALLOWED) {
  test(`accepts: ${what}`, () => {
    assert.deepEqual(rulesOf(file, source), []);
  });
}

test('names the line', () => {
  assert.equal(violations('daemon/a.ts', '\n\nDate.now();')[0]?.line, 3);
});
