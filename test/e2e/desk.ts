import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { places } from '../../protocol/places.ts';
import { cleanEnvironment } from '../../scripts/host/server.ts';
import { writeAz } from '../clouds/azure/az.ts';
import { PEOPLE } from '../clouds/azure/estate.ts';
import type { Organisation, PersonKey } from './organisation.ts';

const run = promisify(execFile);

/** One person's own machine, as far as a program can tell: home, run folder, Azure CLI, enrolment. */
export interface Desk {
  who: PersonKey;
  name: string;
  oid: string;
  /** Everything of this person is inside. */
  folder: string;
  home: string;
  workspace: string;
  /** The whole environment of this person's programs. */
  env: NodeJS.ProcessEnv;
  /** The person's own identity, as their own Azure CLI gives it. */
  credential: TokenCredential;
  /** `az logout`, and `az login` after it. */
  signOut(): void;
  signIn(): void;
}

/** Sets up a desk in `folder`, whose path must be short: sockets live in it. */
export async function layDesk(who: PersonKey, organisation: Organisation, folder: string): Promise<Desk> {
  const { machineEnrolmentFile } = places({ platform: process.platform, home: folder });
  // It would win, and lead to the organisation of this machine instead of the simulated one.
  if (existsSync(machineEnrolmentFile)) throw new Error(`This machine is enrolled by ${machineEnrolmentFile}: use one that is not.`);
  const person = PEOPLE[who];
  const [home, runtime, bin, workspace] = ['home', 'run', 'bin', person.name.split(' ')[0] ?? who].map((name) =>
    path.join(folder, name),
  ) as [string, string, string, string];
  for (const made of [home, runtime, bin, workspace]) mkdirSync(made, { recursive: true, mode: 0o700 });
  writeEnrolment(home, organisation);
  writeProfiles(home, bin);
  const profile = await organisation.azProfile(who);
  const az = writeAz(bin, profile);
  const env = environment(home, runtime, bin);
  return {
    who,
    name: person.name,
    oid: person.oid,
    folder,
    home,
    workspace,
    env,
    credential: azCredential(az, env),
    signOut: () => void writeAz(bin, { ...profile, sources: {} }),
    signIn: () => void writeAz(bin, profile),
  };
}

function writeEnrolment(home: string, organisation: Organisation): void {
  const folder = path.join(home, '.config/portcullis');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'enrolment.json'), JSON.stringify(organisation.enrolment, null, 2), { mode: 0o600 });
}

/** The editor takes its path from the person's login shell, as it does on their own machine. */
function writeProfiles(home: string, bin: string): void {
  for (const name of ['.profile', '.bashrc', '.zshenv', '.zprofile'])
    writeFileSync(path.join(home, name), `export PATH='${bin}':"$PATH"\n`);
}

/** What programs of somebody with this home, run folder and programs of their own start with. */
export function environment(home: string, runtime: string, bin: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(cleanEnvironment(process.env)).filter(([name]) => !/^(XDG_|AZURE_)/.test(name));
  return { ...Object.fromEntries(inherited), HOME: home, XDG_RUNTIME_DIR: runtime, PATH: `${bin}${path.delimiter}${process.env['PATH']}` };
}

/** What `@azure/identity`'s Azure CLI credential does, with this person's own CLI instead of the first on this process's path. */
function azCredential(az: string, env: NodeJS.ProcessEnv): TokenCredential {
  return {
    async getToken(scopes): Promise<AccessToken> {
      const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
      const { stdout } = await run(az, ['account', 'get-access-token', '--output', 'json', '--resource', resource], { env });
      const { accessToken, expires_on } = JSON.parse(stdout) as { accessToken: string; expires_on: number };
      return { token: accessToken, expiresOnTimestamp: expires_on * 1_000 };
    },
  };
}
