import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DoorServer, listen } from '../../../daemon/door/server.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const ROUNDS = 200;
const STRANGER = 65_534;
const needsRoot = { skip: process.geteuid?.() !== 0 && 'needs root to become another user', timeout: 120_000 };

/** Connects without a pause, as another user, and tells now and then what it met: how often, by error code. */
const KNOCKER = `
process.setgroups([]); process.setgid(${STRANGER}); process.setuid(${STRANGER});
const met = {};
const knock = () => {
  const socket = require('node:net').connect(process.argv[1]);
  const over = (what) => { met[what] = (met[what] ?? 0) + 1; socket.destroy(); setImmediate(knock); };
  socket.once('connect', () => over('in')).once('error', ({ code }) => over(code));
};
for (let each = 0; each < 8; each++) knock();
setInterval(() => process.send(met), 5);
`;

interface Knocker {
  met: Record<string, number>;
  child: ChildProcess;
}

/** Started as root and changed then, because that user may not see this Node. */
function knockAt(t: TestContext, socket: string): Knocker {
  const child = spawn(process.execPath, ['-e', KNOCKER, socket], { cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const knocker: Knocker = { met: {}, child };
  child.on('message', (met) => {
    knocker.met = met as Knocker['met'];
  });
  return knocker;
}

const knocksAtDoors = ({ met: { ENOENT: _, ...met } }: Knocker): number => Object.values(met).reduce((sum, each) => sum + each, 0);

test('whoever knocks all the time never finds the door open while it is made', needsRoot, async (t) => {
  const folder = scratch(t);
  chmodSync(folder, 0o755);
  // As careless as an environment can be: only the door's own mask protects it.
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const socket = path.join(folder, 'door.sock');
  const clock = new ManualClock();
  let server: DoorServer | undefined;
  t.after(() => server?.close());
  const make = (umask: (mask: number) => number) => listen(socket, clock, () => {}, umask);
  const knocker = knockAt(t, socket);
  await until('the knocker', () => knocker.met['ENOENT']);
  for (let round = 0; round < ROUNDS; round++) {
    const knocked = knocksAtDoors(knocker);
    server = await make((mask) => process.umask(mask));
    await until('a knock at this door', () => knocksAtDoors(knocker) > knocked || undefined);
    await server.close();
  }
  // Somebody whom the mode lets in while nobody listens yet is told ECONNREFUSED: that would be a lost race, too.
  assert.deepEqual(Object.keys(knocker.met).sort(), ['EACCES', 'ENOENT']);
  assert.ok((knocker.met['EACCES'] ?? 0) >= ROUNDS);

  server = await make(() => 0);
  await until('somebody inside a door that was made without a mask', () => knocker.met['in']);
});
