import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Agent, fetch } from 'undici';
import { readConfiguration } from '../../central/configuration/configuration.ts';
import { MINUTE } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { makeCertificates } from '../clouds/certificates.ts';
import { CENTRAL } from '../support/built.ts';
import { scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { EXAMPLE_POLICY } from './samples.ts';

async function configured(t: TestContext, changes: Record<string, unknown> = {}): Promise<{ file: string; ca: string }> {
  const dir = scratch(t);
  const { ca, cert, key } = await makeCertificates();
  for (const [name, text] of Object.entries({ 'cert.pem': cert, 'key.pem': key, 'people.json': '{"people": []}', secret: 's\n' }))
    writeFileSync(path.join(dir, name), text);
  const file = path.join(dir, 'central.json');
  const configuration = {
    listen: { port: 0, certFile: 'cert.pem', keyFile: 'key.pem' },
    storeFile: 'central.db',
    issuer: 'https://issuer.example',
    audience: 'https://portcullis.example',
    clientId: 'portcullis',
    directory: { kind: 'file', file: 'people.json' },
    policyDir: EXAMPLE_POLICY,
    azure: { credential: { kind: 'client-secret', tenantId: 't', clientId: 'c', secretFile: 'secret' } },
    ...changes,
  };
  writeFileSync(file, JSON.stringify(configuration));
  return { file, ca };
}

test('a configuration is read with its defaults, and paths count from the file', async (t) => {
  const { file } = await configured(t, { heartbeatGrace: '90s' });
  const read = await readConfiguration(file);
  assert.equal(read.storeFile, path.join(path.dirname(file), 'central.db'));
  assert.equal(read.listen.certFile, path.join(path.dirname(file), 'cert.pem'));
  assert.deepEqual(
    [read.heartbeatGrace, read.requestLapse, read.longestRequestLife, read.listen.host],
    [1.5 * MINUTE, 60 * MINUTE, 10 * MINUTE, '127.0.0.1'],
  );
});

for (const [changes, words] of [
  [{ issuer: 'http://issuer.example' }, /issuer: Starts with https/],
  [{ issuer: undefined }, /issuer: is missing/],
  [{ heartbeatGrace: '5' }, /heartbeatGrace: Is a time such as/],
  [{ heartbeatGrace: '1s' }, /heartbeatGrace: Is at least 30s/],
  [{ timeZone: 'Mars/Olympus' }, /timeZone: Is a time zone/],
  [{ listen: { port: 99_999, certFile: 'c', keyFile: 'k' } }, /listen\.port/],
  [{ listne: {} }, /listne: is not known here/],
  [{ azure: { credential: { kind: 'password' } } }, /azure\.credential\.kind/],
] as const) {
  test(`a wrong configuration names the field and the rule: ${words.source}`, async (t) => {
    const { file } = await configured(t, changes);
    await assert.rejects(
      readConfiguration(file),
      (error) => error instanceof Fault && error.code === 'configuration-invalid' && words.test(error.message),
    );
  });
}

interface Ran {
  status: number | null;
  out: string;
  error: string;
}

function run(
  t: TestContext,
  argv: string[],
  flags: string[] = [],
): { ended: Promise<Ran>; said: Ran; pid: number | undefined; stop(): void; poke(): void } {
  const child = spawn(process.execPath, [...flags, CENTRAL, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Ran = { status: null, out: '', error: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.error += chunk;
  });
  const ended = new Promise<Ran>((resolve) => child.once('close', (status) => resolve({ ...said, status })));
  t.after(() => void child.kill('SIGKILL'));
  return { ended, said, pid: child.pid, stop: () => void child.kill('SIGTERM'), poke: () => void child.kill('SIGUSR2') };
}

test('central starts, answers, and stops with SIGTERM', async (t) => {
  const { file, ca } = await configured(t);
  const central = run(t, ['--config', file]);
  const url = await until('central listens', () => /"url":"([^"]+)"/.exec(central.said.error)?.[1]);
  const agent = new Agent({ connect: { ca } });
  t.after(() => agent.close());
  assert.equal((await fetch(`${url}/.well-known/portcullis`, { dispatcher: agent })).status, 200);
  central.stop();
  const { status, out } = await central.ended;
  assert.deepEqual([status, out], [0, '']);
});

test('a bug that nobody caught is written down and ends nothing else', async (t) => {
  const { file, ca } = await configured(t);
  const bugs = "process.on('SIGUSR2', () => { void Promise.reject(new Error('a promise')); throw new Error('a throw'); })";
  const central = run(t, ['--config', file], ['--import', `data:text/javascript,${encodeURIComponent(bugs)}`]);
  const url = await until('central listens', () => /"url":"([^"]+)"/.exec(central.said.error)?.[1]);
  central.poke();
  await until(
    'both are in the log',
    () => /"message":"a throw"/.test(central.said.error) && /"message":"a promise"/.test(central.said.error),
  );
  const agent = new Agent({ connect: { ca } });
  t.after(() => agent.close());
  assert.equal((await fetch(`${url}/.well-known/portcullis`, { dispatcher: agent })).status, 200);
  central.stop();
  assert.equal((await central.ended).status, 0);
});

test('it does not start on a bad policy, directory, store or file, and says why', async (t) => {
  const bad = async (changes: Record<string, unknown>) => run(t, ['--config', (await configured(t, changes)).file]).ended;
  for (const [changes, words] of [
    [{ policyDir: 'nowhere' }, /policyDir: the policy set cannot be used/],
    [{ directory: { kind: 'file', file: 'cert.pem' } }, /The directory .* cannot be used/],
    [{ storeFile: 'nowhere/central.db' }, /The store .* cannot be opened/],
    [{ issuerCaFile: 'nowhere.pem' }, /issuerCaFile: .* cannot be read/],
  ] as const) {
    const { status, error } = await bad(changes);
    assert.notEqual(status, 0);
    assert.match(error, words);
  }
  const { status, error } = await run(t, ['--nothing']).ended;
  assert.deepEqual([status, /^Usage/.test(error)], [2, true]);
});

test('policy verbs of the process', async (t) => {
  const { status, out } = await run(t, ['policy', 'test', EXAMPLE_POLICY, '--json']).ended;
  assert.deepEqual([status, JSON.parse(out).ok], [0, true]);
});
