import { uptime } from 'node:os';
import path from 'node:path';
import { MINUTE, SECOND, systemClock } from '../../protocol/clock.ts';
import { Endings } from '../../scripts/endings.ts';
import { ROOT } from '../../scripts/root.ts';
import { type AzProfile, azProfile } from '../clouds/azure/az.ts';
import { makeEstate, PEOPLE } from '../clouds/azure/estate.ts';
import { type AzureCloud, startAzure } from '../clouds/azure/start.ts';
import { demo, kind, type Timing } from '../clouds/azure/timing.ts';
import { makeCertificates } from '../clouds/certificates.ts';
import { startIdentity } from '../identity/provider.ts';
import { type Balancer, balancersOf } from './balancers.ts';
import { centralIn } from './central-folder.ts';
import type { CentralProcess } from './central-process.ts';

const AUDIENCE = 'api://portcullis';

const GROUPS: Record<keyof typeof PEOPLE, string[]> = { alice: ['edge-sre'], ben: ['edge-leads'], carla: ['auditors'], dan: [] };

export type PersonKey = keyof typeof PEOPLE;

export interface OrganisationOptions {
  /** A private folder with a short path. It stays after `close()`. */
  folder: string;
  /** Where central's output goes; `folder` unless told. */
  logFolder?: string | undefined;
  /** `demo` unless told: Azure's manners at a pace that a person watches. */
  timing?: 'kind' | 'demo' | undefined;
  balancers?: number | undefined;
  /** Who decides for everybody: central unless told. With `pim` nobody's enrolment knows central, and Entra PIM alone does. */
  authority?: 'central' | 'pim' | undefined;
}

/** Everything of an organisation but its people's machines: cloud, identity provider, central. On real time. */
export interface Organisation {
  azure: AzureCloud;
  central: CentralProcess;
  /** Content of everybody's enrolment file. */
  enrolment: object;
  /** Options for Azure's own clients. */
  clientOptions: { endpoint: string; tlsOptions: { ca: string } };
  /** The first balancer of that kind of environment; it is a load balancer, not a gateway. */
  balancer(where: { env: 'prod' | 'staging' | 'shared' } | { name: string } | { subscription: string }): Balancer;
  /** A signed-in Azure CLI of that person, as data. */
  azProfile(who: PersonKey): Promise<AzProfile>;
  close(): Promise<void>;
}

const TIMINGS: Record<'kind' | 'demo', Timing> = { kind, demo };

/** Starts it all. @throws Error, with what had been started already ended. */
export async function startOrganisation(options: OrganisationOptions): Promise<Organisation> {
  const endings = new Endings((message) => console.error(message));
  try {
    return await start(options, endings);
  } catch (error) {
    await endings.run();
    throw error;
  }
}

async function start(
  { folder, logFolder = folder, timing = 'demo', balancers = 24, authority = 'central' }: OrganisationOptions,
  endings: Endings,
): Promise<Organisation> {
  const estate = makeEstate({ balancers });
  const azure = await startAzure({ clock: systemClock(() => uptime() * SECOND), estate, timing: TIMINGS[timing] });
  await endings.add(() => azure.close());

  const certificates = await makeCertificates();
  const people = (Object.keys(PEOPLE) as PersonKey[]).map((id) => ({
    id,
    name: PEOPLE[id].name,
    email: PEOPLE[id].upn,
    oid: PEOPLE[id].oid,
  }));
  const identity = await startIdentity({ people, audience: AUDIENCE, certificates });
  await endings.add(() => identity.close());

  const central = await centralIn({
    place: path.join(folder, 'central'),
    log: path.join(logFolder, 'central.log'),
    azure,
    identity,
    certificates,
    audience: AUDIENCE,
    people: people.map(listed),
    policyDir: path.join(ROOT, 'central/policy/example'),
    lags: { propagation: `${PROPAGATION / SECOND}s`, shortestHold: `${Math.ceil(TIMINGS[timing].minActive / SECOND)}s` },
    more: { heartbeatGrace: '60s' },
  });
  const { caFile } = central;
  await endings.add(() => central.close());
  await central.start();

  const all = balancersOf(estate);
  return {
    azure,
    central,
    enrolment: {
      ...(authority === 'central' ? { central: { url: central.url, caFile, signIn: 'azure', azureScope: `${AUDIENCE}/.default` } } : {}),
      azure: {
        resourceManagerEndpoint: azure.endpoint,
        authorityHost: azure.authorityHost,
        caFile: azure.caFile,
        tenantId: azure.tenantId,
        propagationMinutes: PROPAGATION / MINUTE,
        shortestHoldMinutes: TIMINGS[timing].minActive / MINUTE,
      },
    },
    clientOptions: { endpoint: azure.endpoint, tlsOptions: { ca: azure.ca } },
    balancer: (where) => found(all, where),
    azProfile: async (who) => {
      const { refreshToken } = await identity.signIn(who);
      const { tokenEndpoint, clientId } = identity;
      return azProfile(azure, PEOPLE[who].oid, { [AUDIENCE]: { tokenEndpoint, clientId, refreshToken, caFile, scope: 'elevate' } });
    },
    close: () => endings.run(),
  };
}

/** Longest time that the simulated Azure lets a removed right work, with a margin. */
const PROPAGATION = 6 * SECOND;

const listed = ({ id, name, email, oid }: { id: PersonKey; name: string; email: string; oid: string }) => ({
  id,
  name,
  email,
  azureObjectId: oid,
  groups: GROUPS[id],
});

function found(all: Balancer[], where: Partial<Pick<Balancer, 'env' | 'name' | 'subscription'>>): Balancer {
  const wanted = Object.entries(where) as [keyof typeof where, string][];
  const balancer = all.find((one) => wanted.every(([key, value]) => one[key] === value));
  if (!balancer) throw new Error(`No load balancer has ${JSON.stringify(where)}`);
  return balancer;
}
