import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../protocol/fault.ts';
import type { GrantId, RequestId } from '../../../protocol/ids.ts';
import { no, yes } from '../../../protocol/refusal.ts';
import { BEN, byId, EDGE, grant, NOON, PREVIEW, request, uuid, WEB } from './estate.ts';
import { stage } from './stage.ts';

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

test('ls lists every page, and who is elevated', async (t) => {
  const { run } = await stage(t, { state: { grants: byId(grant(), grant({ mine: false, holder: BEN, id: uuid('c') as GrantId })) } });
  assert.equal(
    (await run('ls')).out,
    lines(
      'NAME       KIND           ACCOUNT          GROUP    LOCATION     EXPOSURE  ELEVATED NOW',
      'prod-edge  load balancer  Edge production  edge-rg  westeurope   public    you until 12:10, Ben Okafor until 12:10',
      'Prod-API   load balancer  Edge production  edge-rg  northeurope  internal',
      'twin       load balancer  Edge production  edge-rg  westeurope   public',
      'twin       load balancer  Edge production  edge-rg  westeurope   public',
    ),
  );
});

test('show draws the tree of parts with their health', async (t) => {
  const { run } = await stage(t);
  assert.equal(
    (await run('show', 'PROD-edge')).out,
    lines(
      'Name      prod-edge',
      `Id        ${EDGE.id}`,
      'Kind      load balancer, Standard',
      'Account   Edge production',
      'Group     edge-rg',
      'Location  westeurope',
      'Exposure  public',
      'State     Succeeded',
      'Tags      env=prod',
      '',
      'PART    KIND          HEALTH',
      'public  frontend                    203.0.113.10',
      'web     backend-pool  degraded 1/2  2 members',
      '  vm-1  member        healthy       10.0.1.4',
      '  vm-2  member        unhealthy     10.0.1.5',
      'http    probe                       HTTP 8080 /health',
      'http    rule                        TCP 80 → 8080',
    ),
  );
  const part = (await run('show', 'prod-edge/web', '--json')).json as { parts: { name: string }[] };
  assert.deepEqual(
    part.parts.map(({ name }) => name),
    ['web', 'vm-1', 'vm-2'],
  );
});

test('roles says what each allows, who decides, and why one cannot be had', async (t) => {
  const { run } = await stage(t);
  assert.equal(
    (await run('roles', 'prod-edge/web')).out,
    lines(
      'ROLE           TITLE            ENFORCEMENT  FROM     AT MOST  ALLOWS',
      'backends       Backend members  native       central  1h       Change the members of a backend pool',
      'health-checks  Health checks    guarded      central           Azure cannot enforce this role',
    ),
  );
});

test('preview answers before the question, and changes nothing', async (t) => {
  const { run, calls } = await stage(t);
  const asked = ['preview', 'prod-edge/web', '--role', 'backends', '--for', '20m'];
  assert.equal(
    (await run(...asked)).out,
    lines(
      'Needs approval by Ben Okafor',
      'Because       Longer than 15 minutes on production needs a lead',
      'To change it  15 minutes or less would be granted at once',
      'Approval      Ben Okafor',
      'At most       1h',
      'Ticket        not required',
      'Rules         prod-long',
      'Actions       Microsoft.Network/loadBalancers/backendAddressPools/write',
      'Elevated now  Ben Okafor, Backend members, until 12:10',
      'Note          Azure may need up to 10 minutes',
    ),
  );
  assert.deepEqual(calls.at(-1), ['preview', { resourceId: WEB.id, roleId: 'backends', authority: 'central', duration: 1_200_000 }]);
  assert.ok(!calls.some(([method]) => method === 'request'));
});

test('preview of what would be refused says so by its status too', async (t) => {
  const { run } = await stage(t, {
    handlers: { preview: () => yes({ ...PREVIEW, outcome: 'refused' as const, headline: 'Refused: frozen' }) },
  });
  const ran = await run('preview', 'prod-edge', '--role', 'backends', '--for', '1h', '--json');
  assert.equal(ran.status, 3);
  assert.equal((ran.json as { preview: { outcome: string } }).preview.outcome, 'refused');
});

test('status shows mine with what is left, and what is not known as unknown', async (t) => {
  const grants = byId(
    grant(),
    grant({ id: uuid('c') as GrantId, state: 'revoking', awaiting: 'Azure allows release at 12:03', notAfter: NOON + 65 * 60_000 }),
    grant({ id: uuid('f') as GrantId, mine: false, holder: BEN }),
    grant({ id: uuid('9') as GrantId, state: 'gone', endReason: 'expired' }),
  );
  const { run, live } = await stage(t, { state: { grants } });
  const known = lines(
    'Sign-in, Azure    Alice Novak by Azure CLI',
    'Sign-in, central  Alice Novak by Azure CLI',
    '',
    'GRANT     STATE     ROLE      RESOURCE       HELD BY  UNTIL  LEFT',
    'bbbbbbbb  usable    backends  prod-edge/web  you      12:10  10 min',
    'cccccccc  revoking  backends  prod-edge/web  you      13:05  1 h 5 min  Azure allows release at 12:03',
  );
  assert.equal((await run('status')).out, known);
  live.apply({ type: 'central', contact: { state: 'lost', since: NOON, problem: 'no answer' } });
  const lost = await run('status', '--json');
  const { grants: shown } = lost.json as { grants: { state: string }[] };
  assert.deepEqual(
    shown.map(({ state }) => state),
    ['unknown', 'revoking'],
  );
  assert.match((await run('status')).out, /Central cannot be reached: no answer\n[\s\S]*bbbbbbbb {2}unknown/);
  assert.equal(((await run('status', '--all', '--json')).json as { grants: unknown[] }).grants.length, 4);
});

test('status of somebody who holds nothing', async (t) => {
  const { run } = await stage(t, { state: { signIns: [{ to: 'azure', state: 'signed out' }], unhealthy: 'the disk is full' } });
  assert.equal(
    (await run('status')).out,
    lines('Sign-in, Azure  signed out', 'No new power can be given: the disk is full', '', 'You hold nothing.'),
  );
});

test('status of somebody of whom it is not known what they hold', async (t) => {
  const { run } = await stage(t, { state: { heldUnknown: 'the journal was damaged' } });
  assert.match(
    (await run('status')).out,
    /What you held before is not known: the journal was damaged\n\nYou hold nothing that is known\.\n$/,
  );
});

test('requests shows exactly what is asked', async (t) => {
  const asked = request({
    mine: false,
    mayDecide: true,
    state: 'pending approval',
    approvers: { needed: 1, people: [BEN] },
    ticket: 'CHG-1',
  });
  const { run } = await stage(t, { state: { requests: byId(asked) } });
  assert.equal(
    (await run('requests')).out,
    lines(
      'REQUEST   STATE             ROLE      RESOURCE       FOR  ASKED BY     AT                      REASON',
      'aaaaaaaa  pending approval  backends  prod-edge/web  15m  Alice Novak  11:59  yours to decide  Drain web for the upgrade',
    ),
  );
  assert.equal(
    (await run('requests', 'aaaa')).out,
    lines(
      `Request    ${uuid('a')}`,
      'State      pending approval',
      'Asked by   Alice Novak <alice@example.test>',
      'Role       Backend members (backends, native)',
      'Resource   prod-edge/web',
      `           ${WEB.id}`,
      'For        15m',
      'Reason     Drain web for the upgrade',
      'Ticket     CHG-1',
      'Asked at   11:59',
      'Lapses at  12:59',
      'Approval   Ben Okafor',
      'Allows     Change the members of a backend pool',
      'Actions    Microsoft.Network/loadBalancers/backendAddressPools/write',
    ),
  );
});

test('approve, deny and cancel name the request by the beginning of its id', async (t) => {
  const { run, calls } = await stage(t, { state: { requests: byId(request()) } });
  assert.match((await run('approve', 'aaaaaaaa')).out, /^Approved\.\nRequest .*\nState +approved\n/);
  assert.deepEqual(calls.at(-1), ['request.approve', { requestId: uuid('a'), reason: '' }]);
  assert.equal((await run('deny', 'aaaaaaaa', '--reason', 'not now')).status, 0);
  assert.deepEqual(calls.at(-1), ['request.deny', { requestId: uuid('a'), reason: 'not now' }]);
  assert.equal((await run('cancel', 'aaaaaaaa')).status, 0);
  assert.deepEqual(calls.at(-1), ['request.cancel', { requestId: uuid('a') }]);
  assert.equal((await run('deny', 'aaaaaaaa')).status, 2);
  const empty = await run('deny', 'aaaaaaaa', '--reason', ' ');
  assert.equal(empty.status, 2);
  assert.match(empty.err, /--reason: A reason is required/);
});

test('revoke never says ended before it is', async (t) => {
  const held = grant();
  const { run, live, calls, said } = await stage(t, {
    state: { grants: byId(held) },
    handlers: {
      revoke: () => {
        live.apply({ type: 'grant', grant: { ...held, state: 'revoking', awaiting: 'Waiting until Azure denies access' } });
        return yes({});
      },
    },
  });
  const first = await run('revoke', 'bbbbbbbb');
  assert.deepEqual(calls.at(-1), ['revoke', { grantId: uuid('b') }]);
  assert.equal(
    first.out,
    lines(
      'Revoking. It is over when denial is proven.',
      'GRANT     STATE     ROLE      RESOURCE       HELD BY  UNTIL  LEFT',
      'bbbbbbbb  revoking  backends  prod-edge/web  you      12:10  10 min  Waiting until Azure denies access',
    ),
  );
  const waiting = run('revoke', 'bbbbbbbb', '--wait');
  while (!said()) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(said(), 'Revoking web: Waiting until Azure denies access\n');
  live.apply({ type: 'grant', grant: { ...held, state: 'gone', endReason: 'revoked', goneAt: NOON, proof: 'denied' } });
  assert.match((await waiting).out, /^Ended, and proven\.\n/);
});

test('revoke --all tells what could not be ended', async (t) => {
  const { run } = await stage(t, {
    state: { grants: byId(grant()) },
    handlers: { 'revoke.all': () => ({ revoking: 1, refused: ['prod-edge: locked'] }) },
  });
  const ran = await run('revoke', '--all', '--json');
  assert.equal(ran.status, 3);
  assert.deepEqual((ran.json as { refused: string[] }).refused, ['prod-edge: locked']);
  assert.equal((await run('revoke')).status, 2);
  assert.equal((await run('revoke', 'bbbbbbbb', '--all')).status, 2);
});

test('extend asks anew with the reason of the grant', async (t) => {
  const { run, calls } = await stage(t, { state: { grants: byId(grant({ ticket: 'CHG-1' })) } });
  assert.equal((await run('extend', 'bbbb', '--for', '15m')).status, 0);
  assert.deepEqual(calls.at(-1), [
    'extend',
    { grantId: uuid('b'), duration: 900_000, reason: 'Drain web for the upgrade', ticket: 'CHG-1', idempotencyKey: uuid('e') },
  ]);
  const unknown = await run('extend', uuid('9'), '--for', '15m');
  assert.equal(unknown.status, 2);
});

test('every kind of no has its exit status, its words and its way out', async (t) => {
  const { run, live } = await stage(t, {
    state: { requests: byId(request()) },
    handlers: {
      request: () => no('refused-by-policy', 'Frozen until Monday', { wayOut: 'Ask a lead.' }),
      'request.approve': () => no('unreachable', 'Central does not answer'),
      'request.deny': () => no('bad-input', 'reason: too short', { field: 'reason' }),
      'inventory.accounts': () => {
        throw new TypeError('oops');
      },
      'inventory.refresh': () => {
        throw new Fault('store-failed', 'The disk is full');
      },
    },
  });
  const elevate = ['elevate', 'prod-edge', '--role', 'backends', '--for', '15m', '--reason', 'x'];
  const refused = await run(...elevate);
  assert.deepEqual([refused.status, refused.out, refused.err], [3, '', 'Frozen until Monday\nAsk a lead.\n']);
  assert.deepEqual((await run(...elevate, '--json')).json, {
    error: { code: 'refused-by-policy', message: 'Frozen until Monday', wayOut: 'Ask a lead.' },
  });
  assert.equal((await run('approve', 'aaaa')).status, 4);
  assert.equal((await run('deny', 'aaaa', '--reason', 'x')).status, 2);
  assert.equal((await run('ls')).status, 1);
  assert.equal((await run('ls', '--refresh')).status, 4);
  live.apply({ type: 'inventory', inventory: { revision: 1, refreshing: false } });
  live.apply({ type: 'sign-in', signIn: { to: 'azure', state: 'failed', problem: 'az login' } });
  live.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signed out' } });
  const nobody = await run('ls');
  assert.deepEqual([nobody.status, nobody.err], [3, 'az login\nRun "portcullis sign-in azure".\n']);
});

test('what is not understood is usage, and names the way to the help', async (t) => {
  const { run, calls } = await stage(t);
  const cases: [string[], RegExp][] = [
    [[], /^Usage: portcullis/],
    [['fly'], /Unknown command 'fly'[\s\S]*--help/],
    [['ls', '--fast'], /Unknown option '--fast'[\s\S]*portcullis ls --help/],
    [['elevate', 'prod-edge', '--role', 'backends', '--for', '15m'], /--reason <text>/],
    [['elevate', 'prod-edge', '--role', 'backends', '--for', 'soon', '--reason', 'x'], /"soon" is no length of time for --for/],
    [['elevate', 'prod-edge', '--role', 'backends', '--for', '5s', '--reason', 'x'], /--for: At least one minute/],
    [['elevate', 'prod-edge', '--role', 'backends', '--for', '15m', '--reason', 'x', '--idempotency-key', 'k'], /--idempotency-key: /],
    [['elevate', 'prod-edge', '--role', 'admin', '--for', '15m', '--reason', 'x'], /no role "admin"[\s\S]*backends/],
    [['elevate', 'prod-edge', '--role', 'backends', '--authority', 'pim', '--for', '15m', '--reason', 'x'], /from pim/],
    [['revoke', 'zzzz'], /No grant begins with "zzzz"/],
    [['audit', 'tail', '-n', 'x'], /no number of lines/],
    [['audit', 'tail', '--follow', '--json'], /one document/],
    [['sign-in', 'moon'], /moon/],
    [['policy', 'check', 'dir'], /does not contain central/],
    [['central', '--config', 'x'], /does not contain central/],
    [['demo'], /part of the sources/],
  ];
  for (const [argv, words] of cases) {
    const ran = await run(...argv);
    assert.equal(ran.status, 2, argv.join(' '));
    assert.match(ran.err, words);
    assert.equal(ran.out === '' || argv.includes('--json'), true, argv.join(' '));
  }
  assert.ok(!calls.some(([method]) => ['request', 'revoke', 'revoke.all'].includes(method)));
});

test('every command with --json prints one JSON document on standard output, whatever comes', async (t) => {
  const { run, dir } = await stage(t, { state: { grants: byId(grant()), requests: byId(request()) } });
  const asked = ['prod-edge', '--role', 'backends', '--for', '15m'];
  const commands: string[][] = [
    ['ls'],
    ['ls', 'edge'],
    ['ls', '--refresh'],
    ['show', 'prod-edge'],
    ['show', 'nowhere'],
    ['roles', 'prod-edge'],
    ['preview', ...asked],
    ['elevate', ...asked, '--reason', 'x'],
    ['status'],
    ['revoke', 'bbbb'],
    ['revoke', '--all'],
    ['extend', 'bbbb', '--for', '15m'],
    ['requests'],
    ['requests', 'aaaa'],
    ['approve', 'aaaa'],
    ['deny', 'aaaa', '--reason', 'x'],
    ['cancel', 'aaaa'],
    ['sign-in', 'azure'],
    ['sign-out'],
    ['audit', 'tail'],
    ['audit', 'export'],
    ['audit', 'export', '--format', 'csv'],
    ['audit', 'export', '--out', `${dir}/out.jsonl`],
    ['audit', 'verify'],
    ['audit', 'verify', `${dir}/none`],
    ['daemon', '--stop', '--detached'],
    ['demo'],
    ['policy', 'check'],
    ['fly'],
    [],
  ];
  for (const argv of commands) {
    for (const place of argv[0] === 'policy' ? ['last'] : ['first', 'last']) {
      const ran = await run(...(place === 'first' ? ['--json', ...argv] : [...argv, '--json']));
      assert.equal(typeof ran.json, 'object', argv.join(' '));
      assert.ok(ran.out.endsWith('}\n'));
    }
  }
});

test('JSON on a screen cannot turn or hide text', async (t) => {
  const { run } = await stage(t, { state: { requests: byId(request({ reason: 'a\u202eb\u009b31m\u{e0041}' })) } });
  const ran = await run('requests', '--json');
  assert.doesNotMatch(ran.out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.equal((ran.json as { requests: { reason: string }[] }).requests[0]?.reason, 'a\u202eb\u009b31m\u{e0041}');
});

test('help and version are no failure', async (t) => {
  const { run } = await stage(t);
  const help = await run('--help');
  assert.equal(help.status, 0);
  for (const verb of ['ls', 'elevate', 'audit', 'policy', 'central', 'daemon', 'demo'])
    assert.match(help.out, new RegExp(`^ {2}${verb} `, 'm'));
  assert.deepEqual([(await run('--version')).out, (await run('elevate', '--help')).status], ['0.1.0\n', 0]);
});

test('central gets its own arguments as they are, and gives its own status', async (t) => {
  const got: string[][] = [];
  const central = (argv: string[]) => {
    got.push(argv);
    return Promise.resolve(5);
  };
  const { run } = await stage(t, { line: { central } });
  assert.equal((await run('policy', 'test', 'dir', '--json')).status, 5);
  assert.equal((await run('central', '--config', 'f')).status, 5);
  assert.deepEqual(got, [
    ['policy', 'test', 'dir', '--json'],
    ['--config', 'f'],
  ]);
});

test('an elevation is asked with exactly what was typed, once per key', async (t) => {
  const { run, calls } = await stage(t, { state: { requests: byId(request()) } });
  const key = 'b3c1a1de-6f0f-4f4e-9d57-0a3a3f6f1234';
  await run(
    'elevate',
    'prod-edge/web',
    '--role',
    'backends',
    '--for',
    '15m',
    '--reason',
    ' why ',
    '--ticket',
    'CHG-1',
    '--idempotency-key',
    key,
  );
  assert.deepEqual(calls.at(-1), [
    'request',
    {
      resourceId: WEB.id,
      roleId: 'backends',
      authority: 'central',
      duration: 900_000,
      reason: 'why',
      ticket: 'CHG-1',
      idempotencyKey: key,
    },
  ]);
});

test('a request that was decided by the time of the answer is told as decided', async (t) => {
  const denied = request({ state: 'denied', decision: { ...PREVIEW.decision, outcome: 'refused', because: 'Frozen' } });
  const { run, live } = await stage(t, {
    handlers: {
      request: () => {
        live.apply({ type: 'request', request: denied });
        return yes({ requestId: uuid('a') as RequestId });
      },
    },
  });
  const ran = await run('elevate', 'prod-edge', '--role', 'backends', '--for', '15m', '--reason', 'x', '--json');
  assert.equal(ran.status, 3);
  assert.equal((ran.json as { error: { message: string } }).error.message, 'Refused: Frozen');
});
