import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBrowser, type Machine } from '../../scripts/browser.ts';

const machine = (platform: string, env: NodeJS.ProcessEnv, ...programs: string[]): Machine => ({
  platform,
  env,
  runnable: (file) => programs.includes(file),
});

test('a browser that is named wins', () => {
  const here = machine('linux', { CHROMIUM: '/opt/mine', PATH: '/usr/bin' }, '/opt/mine', '/usr/bin/chromium');
  assert.equal(findBrowser(here), '/opt/mine');
});

test('a name that leads nowhere is said, not passed over', () => {
  assert.throws(
    () => findBrowser(machine('linux', { CHROMIUM: '/opt/gone', PATH: '/usr/bin' }, '/usr/bin/chromium')),
    /CHROMIUM names \/opt\/gone/,
  );
});

const INSTALLED: [platform: string, env: NodeJS.ProcessEnv, program: string][] = [
  ['linux', { PATH: '/usr/local/bin:/usr/bin' }, '/usr/bin/google-chrome'],
  ['linux', { PATH: '/home/me/bin' }, '/usr/bin/chromium'],
  ['darwin', { HOME: '/Users/me' }, '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge'],
  ['darwin', { HOME: '/Users/me' }, '/Users/me/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  ['win32', { PROGRAMFILES: 'C:\\Program Files' }, 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'],
  ['win32', { 'PROGRAMFILES(X86)': 'C:\\Program Files (x86)' }, 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'],
];
for (const [platform, env, program] of INSTALLED) {
  test(`finds ${program}`, () => {
    assert.equal(findBrowser(machine(platform, env, program)), program);
  });
}

test('finds none where there is none', () => {
  for (const platform of ['linux', 'darwin', 'win32']) assert.equal(findBrowser(machine(platform, { PATH: '/usr/bin' })), undefined);
});
