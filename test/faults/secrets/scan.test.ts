import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openJournal } from '../../../daemon/journal/open.ts';
import { scratch } from '../../support/scratch.ts';
import { EditorProcess } from './editor.ts';
import { copiesIn, filesBelow, hits, needlesOf, startOf } from './scan.ts';

// The scan of secrets.test.ts is worth what it finds: here a leak is planted in every kind of place that it looks at.

const CANARY = 'Canary4bc1d9a0f2e34e7d';
const needles = needlesOf(CANARY);
const sink = (text: string | Buffer) => [
  { name: 'planted', bytes: Buffer.concat([Buffer.from('before '), Buffer.from(text), Buffer.from(' after')]) },
];
const token = (padding: string) =>
  `eyJhbGciOiJFUzI1NiJ9.${Buffer.from(JSON.stringify({ a: padding, xms_canary: CANARY, z: 1 })).toString('base64url')}.c2ln`;

test('a secret is found however it is written', () => {
  assert.deepEqual(hits(sink('nothing'), needles), []);
  const ways: [string, string | Buffer][] = [
    ['as it is', CANARY],
    ['in hex', Buffer.from(CANARY).toString('hex')],
    ['as UTF-16', Buffer.from(CANARY, 'utf16le')],
    ['in a header', `Authorization: Bearer ${token('')}`],
    ...['', 'x', 'xx', 'xxx'].map((padding): [string, string] => [`in a token after ${padding.length} more`, token(padding)]),
    ['in base64', Buffer.from(`{"refresh_token":"0.A${CANARY}xyz"}`).toString('base64')],
    ['escaped in JSON', JSON.stringify(JSON.stringify({ token: token('y') }))],
  ];
  for (const [what, text] of ways) assert.equal(hits(sink(text), needles).length, 1, what);
});

test('a leak is found in a log, in a hidden folder, and in a journal whose write-ahead log was not merged', (t) => {
  const home = scratch(t);
  const state = path.join(home, '.local/state/portcullis');
  mkdirSync(state, { recursive: true });
  writeFileSync(path.join(state, 'daemon.log'), '{"level":"info"}\n');
  assert.deepEqual(hits(filesBelow(home), needles), []);
  appendFileSync(path.join(state, 'daemon.log'), `{"problem":"${token('')}"}\n`);
  assert.match(hits(filesBelow(home), needles).join(), /^[^,]*daemon\.log: /);
  writeFileSync(path.join(state, 'daemon.log'), '');
  const db = openJournal(path.join(state, 'journal.db'), 1);
  t.after(() => db.close());
  db.prepare('INSERT INTO fact (name, value) VALUES (?, ?)').run('leak', JSON.stringify({ token: token('z') }));
  assert.match(hits(filesBelow(home), needles).join(), /^[^,]*journal\.db-wal: /);
});

test('a leak is found in the arguments and in the environment of a process', {
  skip: process.platform !== 'linux' && 'reads /proc',
}, async (t) => {
  for (const [args, env] of [
    [[CANARY], {}],
    [[], { TOKEN: token('') }],
  ] as const) {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1_000)', ...args], { env });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    assert.equal(hits(startOf(child.pid ?? 0), needles).length, 1);
  }
});

test('a leak is found in the heap of the extension, also at the end of a long string, and in its memory', {
  timeout: 60_000,
}, async (t) => {
  const editor = await EditorProcess.start(t);
  const file = path.join(scratch(t), 'extension.heapsnapshot');
  const heap = async () => {
    await editor.tell({ do: 'heap', file });
    return [{ name: 'heap', bytes: readFileSync(file) }];
  };
  assert.deepEqual(hits(await heap(), needles), []);
  await editor.tell({ do: 'plant', text: `${'x'.repeat(5_000)}${token('')}` });
  assert.equal(hits(await heap(), needles).length, 1);
  if (process.platform === 'linux' && process.geteuid?.() === 0) assert.ok((await copiesIn(editor.pid, needles)) > 0);
});
