import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Agent } from 'undici';
import type { Client } from '../../../protocol/client.ts';
import { MINUTE } from '../../../protocol/clock.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import { ROOT } from '../../../scripts/root.ts';
import { azProfile, writeAz } from '../../clouds/azure/az.ts';
import { CENTRAL_APP, makeEstate, PEOPLE } from '../../clouds/azure/estate.ts';
import { startAzure } from '../../clouds/azure/start.ts';
import { makeCertificates } from '../../clouds/certificates.ts';
import { browse } from '../../daemon/support/browser.ts';
import { centralIn } from '../../e2e/central-folder.ts';
import { startIdentity } from '../../identity/provider.ts';
import { until } from '../../support/until.ts';
import { type After, azureTargets, clock, makeHome, type RealDaemon, startDaemonOf } from '../door/real-daemon.ts';
import { mark } from './life.ts';
import { filesBelow, type Sink, startOf } from './scan.ts';

const AUDIENCE = 'api://portcullis';
/** The daemon renews a minute early, so it renews while the test looks on. */
const ACCESS_TOKEN_SECONDS = 63;

export interface CentralLife {
  /** In the tokens of the identity provider, and of Azure. */
  canaries: { identity: string; azure: string };
  /** Authorization codes and refresh tokens, and central's own secret for Azure. */
  secrets: string[];
  sinks: Sink[];
  renewals: number;
}

/** Signed in to central with a browser: elevate through central, renew, trouble with Azure, revoke, sign out, stop. */
export async function liveWithCentral(t: After): Promise<CentralLife> {
  const canaries = { identity: mark('identity'), azure: mark('azure') };
  const secrets: string[] = [CENTRAL_APP.clientSecret];
  const azure = await startAzure({ clock, estate: makeEstate({ balancers: 24 }), canary: () => canaries.azure });
  t.after(() => azure.close());
  const { alice } = PEOPLE;
  const person = { id: 'alice', name: alice.name, email: alice.upn };
  const certificates = await makeCertificates();
  const identity = await startIdentity({
    people: [{ ...person, oid: alice.oid }],
    audience: AUDIENCE,
    certificates,
    accessTokenSeconds: ACCESS_TOKEN_SECONDS,
    canary: canaries.identity,
    onIssued: (secret) => void secrets.push(secret),
  });
  t.after(() => identity.close());
  const home = makeHome(t, {}, (bin) => writeAz(bin, azProfile(azure, alice.oid)));
  const place = path.join(home.home, 'central');
  const central = await centralIn({
    place,
    log: path.join(home.home, 'central.log'),
    azure,
    identity,
    certificates,
    audience: AUDIENCE,
    people: [{ ...person, azureObjectId: alice.oid, groups: ['edge-sre'] }],
    policyDir: path.join(ROOT, 'central/policy/example'),
    lags: { propagation: '1s', shortestHold: '0s' },
  });
  t.after(() => central.close());
  await central.start();
  home.enrol({ central: { url: central.url, caFile: central.caFile, signIn: 'browser' }, azure: azureTargets(azure) });
  const daemon = await startDaemonOf(t, home);
  const wire: string[] = [];
  const client = await daemon.client('editor', (text) => void wire.push(text));
  await until('the inventory', () => client.state.inventory.fetchedAt !== undefined, 30_000);
  await signIn(t, client, identity.ca);
  const balancer = azure.world.estate.resources.find(({ id }) => /\/loadBalancers\//i.test(id));
  const resourceId = `azure:${balancer?.id.toLowerCase()}` as ResourceId;
  await elevate(client, resourceId);
  const issued = secrets.length;
  const renewed = async () => {
    await client.call('eligibility', { resourceId });
    return secrets.length > issued;
  };
  await until('a renewal', renewed, 60_000, 500);
  const started = startOf(daemon.pid);
  const cancel = azure.world.faults.add({ call: /./, trouble: { kind: 'echo', status: 403, code: 'AuthorizationFailed' } });
  await client.call('revoke.all', {});
  await until('the trouble', () => azure.world.calls.all().some(({ status }) => status === 403), 30_000);
  cancel();
  await until('the end', () => Object.values(client.state.grants).every(({ state }) => state === 'gone'), 60_000);
  const { events } = await client.call('audit.query', { filter: {}, offset: 0, limit: 1_000 });
  await end(daemon, client);
  await central.stop();
  return {
    canaries,
    secrets,
    renewals: secrets.length - issued,
    sinks: [
      ...started,
      { name: 'what the door said', bytes: Buffer.from(wire.join('\n')) },
      { name: 'the record', bytes: Buffer.from(JSON.stringify(events)) },
      { name: 'what the daemon said', bytes: Buffer.from(daemon.said()) },
      { name: 'central.log', bytes: readFileSync(central.log) },
      ...filesBelow(home.home).filter(({ name }) => !name.startsWith(path.join(home.home, 'bin')) && name !== path.join(place, 'secret')),
    ],
  };
}

async function signIn(t: After, client: Client, ca: string): Promise<void> {
  const agent = new Agent({ connect: { ca } });
  t.after(() => agent.destroy());
  const answer = await client.call('sign-in', { to: 'central' });
  if (!answer.ok || answer.value.open === undefined) throw new Error('There is no page to sign in with');
  await browse(agent, answer.value.open, 'alice');
  await until('contact with central', () => client.state.central.state === 'connected', 30_000);
}

async function elevate(client: Client, resourceId: ResourceId): Promise<void> {
  const answer = await client.call('request', {
    resourceId,
    roleId: 'backends' as never,
    authority: 'central',
    duration: 10 * MINUTE,
    reason: 'INC-9: drain web-1',
    idempotencyKey: randomUUID(),
  });
  if (!answer.ok) throw new Error(answer.refusal.message);
  await until(
    'the use',
    () => {
      const refused = Object.values(client.state.requests).find(({ state }) => state === 'denied' || state === 'failed');
      if (refused) throw new Error(JSON.stringify(refused));
      return Object.values(client.state.grants).some(({ state }) => state === 'usable');
    },
    30_000,
  );
}

async function end(daemon: RealDaemon, client: Client): Promise<void> {
  await until('the sign-out', async () => (await client.call('sign-out', { to: 'central' })).ok, 30_000, 500);
  await client.call('daemon.stop', {});
  await daemon.ended;
}
