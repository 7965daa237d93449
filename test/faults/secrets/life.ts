import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { isAlive, readEntry } from '../../../daemon/door/entry-file.ts';
import type { Client } from '../../../protocol/client.ts';
import { HOUR, MINUTE } from '../../../protocol/clock.ts';
import type { Grant } from '../../../protocol/model.ts';
import { azProfile, writeAz } from '../../clouds/azure/az.ts';
import { makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import type { Trouble } from '../../clouds/azure/faults.ts';
import { type AzureCloud, startAzure } from '../../clouds/azure/start.ts';
import { PORTCULLIS } from '../../support/built.ts';
import { until } from '../../support/until.ts';
import { type After, azureTargets, clock, type Home, makeHome, through } from '../door/real-daemon.ts';
import { EditorProcess } from './editor.ts';
import { copiesIn, filesBelow, needlesOf, type Sink, startOf } from './scan.ts';

const run = promisify(execFile);

/** Marks of the secrets of one life, none of which may be where it does not belong. */
export interface Canaries {
  /** In the tokens and refresh tokens of the person's Azure CLI: for the daemon's memory alone. */
  cli: string;
  /** In the session that VS Code hands over: it passes through the extension, and stays nowhere there. */
  session: string;
}

/** How many copies stand in the daemon's memory. Undefined where it cannot be read. */
export interface Copies {
  signedIn: number;
  signedOut: number;
}

export interface Life {
  home: Home;
  canaries: Canaries;
  /** Per-start secret of the door. */
  doorSecret: string;
  sinks: Sink[];
  /** The extension's memory, as V8 itself sees what is alive. */
  extensionHeap: Sink;
  copies: { cli: Copies; session: Copies } | undefined;
  /** Of the extension's whole memory, what was thrown away included. */
  extensionCopies: { cli: number; session: number } | undefined;
  /** Faults that were met on the way, as the person was told of them. */
  problems: string[];
}

const readsMemory = process.platform === 'linux' && process.geteuid?.() === 0;

/**
 * The whole life of credentials, on real processes: the extension starts the daemon; Azure CLI and VS Code's session sign in;
 * elevate, extend, trouble of every kind, revoke, sign out, stop. Everything that anybody wrote, said or sent is kept.
 */
export async function live(t: After): Promise<Life> {
  const canaries: Canaries = { cli: mark('cli'), session: mark('session') };
  let current = canaries.cli;
  const azure = await startAzure({ clock, estate: makeEstate({ balancers: 24 }), canary: () => current, timing: { minActive: 1_000 } });
  t.after(() => azure.close());
  const home = makeHome(t, { azure: azureTargets(azure) }, (bin) => writeAz(bin, azProfile(azure, PEOPLE.alice.oid)));
  const editor = await EditorProcess.start(t);
  await editor.tell({ do: 'open', home: home.home, script: PORTCULLIS, env: home.env });
  const entry = await until('the entry file', () => readEntry(home.places.entryFile, process.geteuid?.(), isAlive));
  const wire: string[] = [];
  const client = await through(entry, 'terminal', (text) => void wire.push(text));
  const said: Sink[] = [];
  const cli = async (...argv: string[]) => {
    const { stdout, stderr } = await run(process.execPath, [PORTCULLIS, ...argv], { env: home.env }).catch(
      (failed: { stdout: string; stderr: string }) => failed,
    );
    said.push({ name: `portcullis ${argv.join(' ')}`, bytes: Buffer.from(`${stdout}\n${stderr}`) });
  };
  const count = async (secret: string) => (readsMemory ? copiesIn(entry.pid, needlesOf(secret)) : 0);

  await until('the inventory', () => client.state.inventory.fetchedAt !== undefined, 30_000);
  const grant = await elevate(client, azure);
  const withCli = await count(canaries.cli);
  await cli('status', '--json');
  await cli('status');
  const problems = await trouble(client, azure, grant, TROUBLES);

  current = canaries.session;
  const { token } = (await azure.credential(PEOPLE.alice.oid).getToken('https://management.azure.com/.default')) ?? { token: '' };
  current = canaries.cli;
  await editor.tell({ do: 'session', token, expiresAt: clock.now() + HOUR });
  await until('the session', () => client.state.signIns.some(({ by }) => by === 'VS Code'));
  // With the new session: seen, and the trouble once more.
  await client.call('inventory.refresh', {});
  const extended = await client.call('extend', {
    grantId: grant.id,
    duration: 10 * MINUTE,
    reason: 'INC-7: longer',
    idempotencyKey: randomUUID(),
  });
  problems.push(JSON.stringify(extended), ...(await trouble(client, azure, grant, TROUBLES.slice(0, 3))));
  const withSession = await count(canaries.session);
  const started = startOf(entry.pid);

  await client.call('revoke.all', {});
  await until('the end', () => Object.values(client.state.grants).every(({ state }) => state === 'gone'), 60_000);
  const panel = await editor.tell<{ reported: string[] }>({ do: 'audit', grantId: grant.id });
  await cli('audit', 'export', path.join(home.home, 'record.jsonl'));
  await cli('audit', 'tail');
  const answer = await until(
    'the sign-out',
    async () => {
      const told = await client.call('sign-out', { to: 'azure' });
      return told.ok && told;
    },
    30_000,
    500,
  );
  problems.push(JSON.stringify(answer), ...panel.reported);
  const copies = readsMemory && {
    cli: { signedIn: withCli, signedOut: await count(canaries.cli) },
    session: { signedIn: withSession, signedOut: await count(canaries.session) },
  };
  azure.entra.signOut(PEOPLE.alice.oid);
  // Refused, and Entra says why.
  await client.call('sign-in', { to: 'azure' });
  await until('the refusal', () => client.state.signIns.some(({ state }) => state === 'failed' || state === 'signed out'));
  problems.push(...client.state.signIns.map(({ problem }) => problem ?? ''));
  const heap = path.join(home.home, 'bin', 'extension.heapsnapshot');
  await editor.tell({ do: 'heap', file: heap });
  const extensionCopies = readsMemory && {
    cli: await copiesIn(editor.pid, needlesOf(canaries.cli)),
    session: await copiesIn(editor.pid, needlesOf(canaries.session)),
  };
  await cli('daemon', 'stop');
  await client.call('daemon.stop', {}).catch(() => {});
  await until('the end of the daemon', () => !isAlive(entry.pid));
  return {
    home,
    canaries,
    doorSecret: entry.secret,
    problems,
    copies: copies || undefined,
    extensionCopies: extensionCopies || undefined,
    extensionHeap: { name: 'heap of the extension', bytes: readFileSync(heap) },
    sinks: [
      ...started,
      ...said,
      { name: 'what the door said', bytes: Buffer.from(wire.join('\n')) },
      { name: 'what the extension posted to its page, and its state', bytes: Buffer.from(JSON.stringify(panel)) },
      { name: 'what the extension printed', bytes: Buffer.from(editor.said) },
      ...filesBelow(home.home).filter(({ name }) => !name.startsWith(path.join(home.home, 'bin'))),
    ],
  };
}

/** Something that nobody says by chance. */
export const mark = (of: string): string => `Canary${of}${randomUUID().replaceAll('-', '')}`;

async function elevate(client: Client, azure: AzureCloud): Promise<Grant> {
  const shop = azure.world.estate.subscriptions.find(({ name }) => name === 'Shop production');
  const { balancers } = await client.call('inventory.balancers', { provider: 'azure', accountId: shop?.id ?? '' });
  const balancer = balancers.find(({ kind }) => kind === 'load-balancer');
  if (!balancer) throw new Error('The shop has no load balancer');
  const answer = await client.call('request', {
    resourceId: balancer.id,
    roleId: 'backends' as never,
    authority: 'pim',
    duration: 10 * MINUTE,
    reason: 'INC-7: drain web-2',
    idempotencyKey: randomUUID(),
  });
  if (!answer.ok) throw new Error(answer.refusal.message);
  return until('the use', () => Object.values(client.state.grants).find(({ state }) => state === 'usable'), 30_000);
}

const TROUBLES: readonly Trouble[] = [
  { kind: 'echo', status: 401, code: 'InvalidAuthenticationToken' },
  { kind: 'echo', status: 403, code: 'AuthorizationFailed' },
  { kind: 'echo', status: 403, code: 'SomethingNew' },
  { kind: 'echo', status: 400, code: 'InvalidRoleAssignmentRequestSchedule' },
  { kind: 'challenge', context: 'c1' },
];

/** Errors of Azure whose words repeat the token, and a challenge; each is met by real calls. */
async function trouble(client: Client, azure: AzureCloud, { resource }: Grant, troubles: readonly Trouble[]): Promise<string[]> {
  const told: string[] = [];
  for (const trouble of troubles) {
    const cancel = azure.world.faults.add({ call: /./, oid: PEOPLE.alice.oid, trouble });
    const ask = { resourceId: resource.id, roleId: 'backends' as never, authority: 'pim' as const, duration: 10 * MINUTE };
    const answers = await Promise.allSettled([
      client.call('eligibility', { resourceId: resource.id }),
      client.call('preview', ask),
      client.call('inventory.parts', { resourceId: resource.balancerId }),
      client.call('request', { ...ask, reason: 'INC-8: while Azure errs', idempotencyKey: randomUUID() }),
      client.call('inventory.refresh', {}),
    ]);
    told.push(...answers.map((answer) => (answer.status === 'fulfilled' ? JSON.stringify(answer.value) : String(answer.reason))));
    cancel();
  }
  return told;
}
