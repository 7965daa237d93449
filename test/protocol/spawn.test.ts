import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { places } from '../../protocol/places.ts';
import { daemonEnvironment } from '../../protocol/spawn.ts';

const HOSTILE = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'ELECTRON_RUN_AS_NODE',
  'LD_PRELOAD',
  'DYLD_INSERT_LIBRARIES',
  'AZURE_AUTHORITY_HOST',
  'HTTPS_PROXY',
  'https_proxy',
  'SSLKEYLOGFILE',
  'NODE_EXTRA_CA_CERTS',
  'XDG_CONFIG_HOME',
  'VSCODE_IPC_HOOK',
  'DEBUG',
];

test('nothing that injects code, names another cloud or redirects traffic comes through', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.constantFrom(...HOSTILE, 'HOME', 'PATH', '__proto__'), fc.string()), fc.string()),
      fc.constantFrom('linux', 'darwin', 'win32'),
      (env, platform) => {
        const rebuilt = daemonEnvironment(env, platform);
        for (const name of HOSTILE) {
          if (name === 'ELECTRON_RUN_AS_NODE') assert.equal(rebuilt[name], '1');
          else assert.ok(!Object.hasOwn(rebuilt, name), name);
        }
        for (const [name, value] of Object.entries(rebuilt)) if (name !== 'ELECTRON_RUN_AS_NODE') assert.equal(value, env[name]);
      },
    ),
  );
});

test('what the daemon and the Azure CLI need comes through, on Windows in any case', () => {
  const env = {
    HOME: '/h',
    PATH: '/bin',
    XDG_RUNTIME_DIR: '/run/u',
    AZURE_CONFIG_DIR: '/a',
    AZURE_TENANT_ID: 't',
    LANG: 'C',
    gone: undefined,
  };
  assert.deepEqual(daemonEnvironment(env, 'linux'), {
    HOME: '/h',
    PATH: '/bin',
    XDG_RUNTIME_DIR: '/run/u',
    AZURE_CONFIG_DIR: '/a',
    AZURE_TENANT_ID: 't',
    LANG: 'C',
    ELECTRON_RUN_AS_NODE: '1',
  });
  assert.equal(daemonEnvironment({ Path: 'C:\\', SystemRoot: 'C:\\Windows' }, 'win32')['SystemRoot'], 'C:\\Windows');
});

test('every file of one person lies in folders of that person', () => {
  const here = places({ platform: 'linux', home: '/home/a', runtimeDir: '/run/user/1' });
  assert.equal(here.entryFile, '/run/user/1/portcullis/daemon.json');
  assert.equal(here.logFile, '/home/a/.local/state/portcullis/daemon.log');
  assert.equal(here.enrolmentFile, '/home/a/.config/portcullis/enrolment.json');
  assert.equal(here.machineEnrolmentFile, '/etc/portcullis/enrolment.json');
  assert.equal(places({ platform: 'linux', home: '/home/a' }).runDir, '/home/a/.local/state/portcullis/run');
  const there = places({ platform: 'win32', home: 'C:\\Users\\a', localAppData: 'D:\\Moved' });
  assert.equal(there.enrolmentFile, 'C:\\Users\\a\\AppData\\Local\\Portcullis\\enrolment.json');
  assert.match(places({ platform: 'win32', home: 'C:\\Users\\a' }).entryFile, /AppData\\Local\\Portcullis\\run\\daemon\.json$/);
});
