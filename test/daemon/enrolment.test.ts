import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { authoritiesOf, parseEnrolment, readEnrolment } from '../../daemon/enrolment.ts';
import { Fault } from '../../protocol/fault.ts';
import { scratch } from '../support/scratch.ts';

const uid = process.geteuid?.();
const write = (file: string, value: unknown) =>
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
const central = { url: 'https://central.example.test', signIn: 'browser' };

function files(t: Parameters<typeof scratch>[0]) {
  const dir = scratch(t);
  return { enrolmentFile: path.join(dir, 'own.json'), machineEnrolmentFile: path.join(dir, 'machine.json') };
}

test('without a file: public Azure, and Entra PIM decides', (t) => {
  const enrolled = readEnrolment(files(t), uid);
  assert.deepEqual(enrolled, { enrolment: {}, file: undefined, owners: 'root or yourself' });
  assert.deepEqual(authoritiesOf(enrolled.enrolment), ['pim']);
});

const asRoot = { skip: uid !== 0 && 'needs root to own the file of the machine' };

test("the machine's file wins over the person's", asRoot, (t) => {
  const where = files(t);
  write(where.enrolmentFile, { central: { ...central, url: 'https://evil.test' } });
  assert.equal(readEnrolment(where, uid).enrolment.central?.url, 'https://evil.test');
  write(where.machineEnrolmentFile, { central });
  assert.deepEqual(readEnrolment(where, uid), { enrolment: { central }, file: where.machineEnrolmentFile, owners: 'root' });
});

test("a broken machine file is not replaced by the person's own", asRoot, (t) => {
  const where = files(t);
  write(where.enrolmentFile, { central });
  write(where.machineEnrolmentFile, '{');
  assert.throws(() => readEnrolment(where, uid), /machine\.json: the file must be JSON/);
});

test("a machine's file that is not root's is refused, also when it belongs to the person, and is not passed over", asRoot, (t) => {
  const person = 65_534;
  const where = files(t);
  for (const file of Object.values(where)) {
    write(file, { central });
    chownSync(file, person, person);
  }
  assert.throws(() => readEnrolment(where, person), /machine\.json: the owner must be root$/);
  chownSync(where.machineEnrolmentFile, 0, 0);
  assert.equal(readEnrolment(where, person).file, where.machineEnrolmentFile);
});

test('a file that others may write is refused, naming the rule and the way out', (t) => {
  const where = files(t);
  write(where.enrolmentFile, { central });
  for (const mode of [0o620, 0o602, 0o666]) {
    chmodSync(where.enrolmentFile, mode);
    assert.throws(
      () => readEnrolment(where, uid),
      (error) =>
        error instanceof Fault &&
        error.code === 'configuration-invalid' &&
        /group or others/.test(error.message) &&
        /chmod/.test(error.wayOut ?? ''),
    );
  }
  chmodSync(where.enrolmentFile, 0o644);
  assert.ok(readEnrolment(where, uid).enrolment.central);
});

test("somebody else's file is refused", { skip: uid !== 0 && 'needs root to give a file away' }, (t) => {
  const where = files(t);
  write(where.enrolmentFile, { central });
  chownSync(where.enrolmentFile, 65_534, 65_534);
  assert.throws(() => readEnrolment(where, 0), /owner must be root or yourself/);
});

test('a folder in its place is refused; a link is judged by the file it leads to', (t) => {
  const where = files(t);
  mkdirSync(where.machineEnrolmentFile);
  assert.throws(() => readEnrolment(where, uid), Fault);
  const linked = files(t);
  write(`${linked.enrolmentFile}.real`, { central });
  symlinkSync(`${linked.enrolmentFile}.real`, linked.enrolmentFile);
  assert.ok(readEnrolment(linked, uid).enrolment.central);
});

const WRONG: [what: string, value: unknown, message: RegExp][] = [
  ['http', { central: { ...central, url: 'http://central.example.test' } }, /central\.url must start with https/],
  ['no url', { central: { signIn: 'browser' } }, /central\.url is missing/],
  ['a url with a password', { central: { ...central, url: 'https://a:b@central.example.test' } }, /central\.url must have no user name/],
  ['no URL at all', { central: { ...central, url: 'central' } }, /central\.url must be a URL/],
  ['unknown sign-in', { central: { ...central, signIn: 'device' } }, /central\.signIn must be "browser" or "azure"/],
  ['azure without its scope', { central: { ...central, signIn: 'azure' } }, /central\.azureScope is needed/],
  ['an unknown member', { central: { ...central, proxy: 'x' } }, /central\.proxy is not a member/],
  ['an unknown member at the top', { update: 'x' }, /update is not a member/],
  ['a relative CA file', { central: { ...central, caFile: 'ca.pem' } }, /central\.caFile must be an absolute path/],
  ['an http Azure', { azure: { authorityHost: 'http://login.test' } }, /azure\.authorityHost must start with https/],
  ['too long a propagation', { azure: { propagationMinutes: 61 } }, /azure\.propagationMinutes must be at most 60/],
  ['a negative propagation', { azure: { propagationMinutes: -1 } }, /azure\.propagationMinutes must not be negative/],
  ['no authority', { authorities: [] }, /authorities must name at least one/],
  ['an unknown authority', { authorities: ['me'] }, /authorities\.0/],
  ['central without central', { authorities: ['central'] }, /no member "central"/],
  ['a list', [], /the file/],
  ['null', null, /the file/],
];

for (const [what, value, message] of WRONG) {
  test(`refused, naming the field: ${what}`, () => {
    assert.throws(
      () => parseEnrolment(JSON.stringify(value), 'enrolment.json'),
      (error) =>
        error instanceof Fault && error.code === 'configuration-invalid' && message.test(error.message) && (error.wayOut ?? '').length > 0,
    );
  });
}

test('fractions of a minute are allowed: tests and demos are short', () => {
  assert.equal(parseEnrolment('{"azure":{"propagationMinutes":0.05}}', 'f').azure?.propagationMinutes, 0.05);
});

test('authorities: as listed, else central where there is one', () => {
  assert.deepEqual(authoritiesOf(parseEnrolment(JSON.stringify({ central }), 'f')), ['central']);
  assert.deepEqual(authoritiesOf(parseEnrolment(JSON.stringify({ central, authorities: ['central', 'pim', 'pim'] }), 'f')), [
    'central',
    'pim',
  ]);
});

test('any text is an enrolment or a Fault, and every target in it is https', () => {
  const nearly = fc.record({
    central: fc.record({ url: fc.oneof(fc.webUrl(), fc.string()), signIn: fc.constantFrom('browser', 'azure') }),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        nearly.map((value) => JSON.stringify(value)),
      ),
      (text) => {
        try {
          const { central: target } = parseEnrolment(text, 'f');
          if (target) assert.ok(target.url.startsWith('https://'));
        } catch (error) {
          assert.ok(error instanceof Fault, String(error));
        }
      },
    ),
  );
});
