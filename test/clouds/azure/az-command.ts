/**
 * The Azure CLI of one person, as far as programs ask it: `az account get-access-token`.
 * Run by the script that `writeAz` writes: `node az-command.ts PROFILE account get-access-token --resource R`.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { uptime } from 'node:os';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { type Clock, SECOND, systemClock } from '../../../protocol/clock.ts';
import { type AzSource, alone, readProfile, writeProfile } from './az-profile.ts';

const Answer = v.object({ access_token: v.string(), expires_in: v.number(), refresh_token: v.optional(v.string()) });

/** The words of the real command, which programs look for. */
const SIGN_IN = "Please run 'az login' to setup account.";

class Refusal extends Error {}

async function main(profileFile: string, args: string[], clock: Clock): Promise<string> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      resource: { type: 'string' },
      scope: { type: 'string', multiple: true },
      tenant: { type: 'string', short: 't' },
      subscription: { type: 'string', short: 's' },
    },
  });
  if (positionals.join(' ') !== 'account get-access-token')
    throw new Refusal(`'${positionals.join(' ')}' is misspelled or not recognized by the system.`);
  const asked = values.resource ?? values.scope?.[0] ?? 'https://management.core.windows.net/';
  const resource = asked.replace(/\/+\.default$/, '').replace(/\/+$/, '');
  return alone(profileFile, clock, async () => {
    const profile = readProfile(profileFile);
    const source = profile.sources[resource];
    if (!source) throw new Refusal(SIGN_IN);
    const answer = await refresh(source);
    if (answer.refresh_token) {
      writeProfile(profileFile, {
        ...profile,
        sources: { ...profile.sources, [resource]: { ...source, refreshToken: answer.refresh_token } },
      });
    }
    const expires = Math.floor(clock.now() / SECOND) + answer.expires_in;
    const local = new Date(expires * SECOND).toISOString().replace('T', ' ').replace('Z', '000');
    const token = { accessToken: answer.access_token, expiresOn: local, expires_on: expires, subscription: profile.subscription };
    return JSON.stringify({ ...token, tenant: values.tenant ?? profile.tenantId, tokenType: 'Bearer' }, undefined, 2);
  });
}

async function refresh({ tokenEndpoint, clientId, refreshToken, caFile, scope }: AzSource): Promise<v.InferOutput<typeof Answer>> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken, scope });
  const { status, text } = await post(tokenEndpoint, form.toString(), readFileSync(caFile, 'utf8'));
  if (status === 200) return v.parse(Answer, JSON.parse(text));
  // What was signed in is so no longer: the same as never.
  if (status === 400 && /invalid_grant/.test(text)) throw new Refusal(`${text}\n${SIGN_IN}`);
  throw new Refusal(`The token endpoint answered ${status}: ${text}`);
}

function post(url: string, body: string, ca: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', ca, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const [profileFile = '', ...args] = process.argv.slice(2);
try {
  process.stdout.write(
    `${await main(
      profileFile,
      args,
      systemClock(() => uptime() * SECOND),
    )}\n`,
  );
} catch (error) {
  process.stderr.write(`ERROR: ${error instanceof Refusal ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
