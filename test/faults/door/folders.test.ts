import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { DAEMON_EXIT } from '../../../protocol/spawn.ts';
import { makeLonelyHome, runOnce, startDaemonOf } from './real-daemon.ts';

test('a state folder that others could write to, or that is a link, is refused', async (t) => {
  const home = makeLonelyHome(t);
  const { stateDir, entryFile } = home.places;
  mkdirSync(stateDir, { recursive: true });
  chmodSync(stateDir, 0o777);
  const open = await runOnce(t, home);
  assert.equal(open.status, DAEMON_EXIT.badEnrolment, open.said);
  assert.match(open.said, /could be written by others/);
  assert.ok(!existsSync(entryFile));

  chmodSync(stateDir, 0o700);
  renameSync(stateDir, `${stateDir}.real`);
  symlinkSync(`${stateDir}.real`, stateDir);
  const linked = await runOnce(t, home);
  assert.equal(linked.status, DAEMON_EXIT.badEnrolment, linked.said);
  assert.match(linked.said, /is not a real folder/);
});

test('a folder that others could look into is tightened; a link in place of the entry file is replaced, not followed', async (t) => {
  const home = makeLonelyHome(t);
  const { stateDir, runDir, entryFile } = home.places;
  mkdirSync(stateDir, { recursive: true, mode: 0o755 });
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const before = readFileSync('/etc/passwd');
  symlinkSync('/etc/passwd', entryFile);
  const daemon = await startDaemonOf(t, home);
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  assert.equal((JSON.parse(readFileSync(entryFile, 'utf8')) as { instance: string }).instance, daemon.entry.instance);
  assert.deepEqual(readFileSync('/etc/passwd'), before);
  (await daemon.client()).close();
});
