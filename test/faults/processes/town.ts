import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import path from 'node:path';
import { SECOND, systemClock } from '../../../protocol/clock.ts';
import type { ResourceId } from '../../../protocol/ids.ts';
import { catalogueDefinitions } from '../../../roles/catalogue.ts';
import type { Endings } from '../../../scripts/endings.ts';
import { ROOT } from '../../../scripts/root.ts';
import { type App, makeEstate } from '../../clouds/azure/estate.ts';
import { READER, USER_ACCESS_ADMINISTRATOR } from '../../clouds/azure/role-definitions.ts';
import { type AzureCloud, startAzure } from '../../clouds/azure/start.ts';
import type { Timing } from '../../clouds/azure/timing.ts';
import { type Certificates, makeCertificates } from '../../clouds/certificates.ts';
import { centralIn, type Listed } from '../../e2e/central-folder.ts';
import type { HowToRun } from '../../e2e/central-process.ts';
import { type Identity, startIdentity } from '../../identity/provider.ts';
import { tie } from './brood.ts';

export const AUDIENCE = 'api://portcullis';
/** Longest time that the simulated Azure lets a removed right work here, as the product is told. */
export const PROPAGATION_SECONDS = 1;

/** Somebody who may ask for everything. */
export interface Engineer extends Listed {
  /** For central, from the identity provider's own endpoint. */
  token: string;
}

export interface TownOptions {
  /** A private folder with a short path. */
  folder: string;
  engineers: number;
  balancers: number;
  timing?: Partial<Timing> | undefined;
}

/** What real processes of ours live among: the simulated Azure, a real identity provider, people. All on real time. */
export interface Town {
  folder: string;
  azure: AzureCloud;
  identity: Identity;
  certificates: Certificates;
  engineers: Engineer[];
  /** Sees the whole record. */
  auditor: Engineer;
  /** Load balancers, without the gateways. */
  balancers: ResourceId[];
  /** Another central's own identity: each takes back what it gave, and nothing that another one gave. */
  newcomer(): App;
}

/** More than any harness starts beside each other. */
const CENTRALS = 32;

/** Starts it. What was started stands in `endings`. */
export async function startTown({ folder, engineers: count, balancers, timing }: TownOptions, endings: Endings): Promise<Town> {
  const estate = makeEstate({ balancers });
  const people = Array.from({ length: count + 1 }, (_, index): Listed => {
    const id = index < count ? `engineer-${index + 1}` : 'auditor';
    const azureObjectId = `5a1f0c64-9d0e-4f6b-8a53-${(0x1000 + index).toString(16).padStart(12, '0')}`;
    return { id, name: id, email: `${id}@fjordretail.example`, azureObjectId, groups: [index < count ? 'edge-sre' : 'auditors'] };
  });
  const root = `/providers/Microsoft.Management/managementGroups/${estate.managementGroup}`;
  for (const { azureObjectId: oid, name, email } of people) {
    estate.principals.push({ oid, kind: 'User', name, upn: email });
    estate.assignments.push({ principalId: oid, roleGuid: READER, scope: root });
    // Where Entra PIM decides, they may have every role everywhere for asking.
    for (const { guid } of catalogueDefinitions('azure')) {
      estate.eligibilities.push({ name: crypto.randomUUID(), principalId: oid, roleGuid: guid, scope: root, startsAt: 0 });
    }
  }
  const apps = Array.from(
    { length: CENTRALS },
    (): App => ({ clientId: crypto.randomUUID(), clientSecret: crypto.randomUUID(), oid: crypto.randomUUID() }),
  );
  for (const app of apps) {
    estate.principals.push({ ...app, kind: 'ServicePrincipal', name: 'Portcullis central' });
    for (const roleGuid of [READER, USER_ACCESS_ADMINISTRATOR]) estate.assignments.push({ principalId: app.oid, roleGuid, scope: root });
  }
  const azure = await startAzure({ clock: systemClock(() => uptime() * SECOND), estate, timing: { queryQuota: 1_000, ...timing } });
  await endings.add(() => azure.close());
  for (const { guid } of catalogueDefinitions('azure')) azure.world.policies.set(guid, root, { enabled: ['Justification'] });
  const certificates = await makeCertificates();
  const identity = await startIdentity({
    people: people.map(({ azureObjectId, groups, ...person }) => ({ ...person, oid: azureObjectId, groups: [...groups] })),
    audience: AUDIENCE,
    certificates,
    // Also for a process whose clock is days ahead.
    accessTokenSeconds: 40 * 86_400,
  });
  await endings.add(() => identity.close());
  const signedIn = await Promise.all(people.map(async (person) => ({ ...person, token: (await identity.signIn(person.id)).accessToken })));
  const auditor = signedIn.pop();
  if (!auditor) throw new Error('A town needs people');
  const only = estate.resources
    .filter(({ id }) => /\/loadBalancers\//i.test(id))
    .map(({ id }) => `azure:${id.toLowerCase()}` as ResourceId);
  const newcomer = () => {
    const app = apps.pop();
    if (!app) throw new Error(`A town has room for ${CENTRALS} centrals`);
    return app;
  };
  return { folder, azure, identity, certificates, engineers: signedIn, auditor, balancers: only, newcomer };
}

export interface CentralOptions {
  /** Of its folder. */
  name: string;
  /** Further fields of its configuration. */
  more?: Record<string, unknown> | undefined;
  run?: HowToRun | undefined;
}

/** With what an enrolment file says of it. */
export type EnrollableCentral = Awaited<ReturnType<typeof centralIn>>;

/** A central of this town, not started, whose policy lets every engineer have anything for a day. */
export function centralOf(town: Town, { name, more, run }: CentralOptions): Promise<EnrollableCentral> {
  const place = path.join(town.folder, name);
  const policyDir = path.join(place, 'policy');
  writePolicy(policyDir);
  return centralIn({
    ...town,
    app: town.newcomer(),
    place,
    log: path.join(town.folder, `${name}.log`),
    audience: AUDIENCE,
    people: [...town.engineers, town.auditor].map(({ token: _, ...listed }) => listed),
    policyDir,
    lags: { propagation: `${PROPAGATION_SECONDS}s`, shortestHold: '0s' },
    more: { longestRequestLife: '2m', longestGrant: '24h', callsPerMinute: 100_000, ...more },
    run: { ...run, started: tie },
  });
}

const POLICY = `@id("anything-for-a-day")
@require("none")
@max_duration("24h")
@reason("Engineers may have anything for a day")
permit (principal in Portcullis::Group::"edge-sre", action == Portcullis::Action::"elevate", resource);

@id("auditors-see-everything")
@reason("Auditors see the whole record")
permit (principal in Portcullis::Group::"auditors", action == Portcullis::Action::"audit", resource);
`;

const CASES = {
  people: { alice: { groups: ['edge-sre'] } },
  resources: { edge: {} },
  cases: [{ name: 'anything', person: 'alice', may: 'elevate', role: 'backends', on: 'edge', for: '24h', expect: 'granted' }],
};

/** A set whose own cases are few: a central that is started ten thousand times rehearses them each time. */
function writePolicy(dir: string): void {
  mkdirSync(path.join(dir, 'policies'), { recursive: true });
  copyFileSync(path.join(ROOT, 'central/policy/example/schema.cedarschema'), path.join(dir, 'schema.cedarschema'));
  writeFileSync(path.join(dir, 'policies/all.cedar'), POLICY);
  writeFileSync(path.join(dir, 'cases.json'), JSON.stringify(CASES));
}
