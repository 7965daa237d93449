import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { HOUR, MINUTE, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { KEY_NAME } from '../../protocol/note.ts';
import { DEFAULTS } from '../serve.ts';
import { describeIssues } from './issues.ts';

const text = v.pipe(v.string('Is a text'), v.minLength(1, 'Is not empty'), v.maxLength(2_000));
const https = v.pipe(text, v.url('Is a URL'), v.startsWith('https://', 'Starts with https://'));
const scope = v.pipe(text, v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'Is one scope, without spaces'));

/** `90s`, `15m`, `8h`. */
function duration(min: number, max: number, otherwise: number) {
  const units: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR };
  const written = v.pipe(
    v.string('Is a time such as "5m"'),
    v.regex(/^\d{1,6}[smh]$/, 'Is a time such as "30s", "5m" or "8h"'),
    v.transform((each) => Number(each.slice(0, -1)) * (units[each.slice(-1)] ?? 0)),
    v.minValue(min, `Is at least ${min / SECOND}s`),
    v.maxValue(max, `Is at most ${max / SECOND}s`),
  );
  return v.optional(written, `${otherwise / SECOND}s`);
}

/** The file that `central --config` reads. Paths are relative to the file. */
const ConfigurationFile = v.strictObject({
  listen: v.strictObject({
    host: v.optional(text, '127.0.0.1'),
    port: v.pipe(v.number('Is a number'), v.integer('Is a whole number'), v.minValue(0), v.maxValue(65_535)),
    certFile: text,
    keyFile: text,
  }),
  storeFile: text,
  issuer: https,
  issuerCaFile: v.optional(text),
  audience: text,
  clientId: text,
  scopes: v.optional(v.pipe(v.array(scope), v.minLength(1, 'Needs at least one scope')), [...DEFAULTS.scopes]),
  /** Whether the issuer wants `audience` as `resource` (RFC 8707). Microsoft Entra refuses that parameter. */
  resourceIndicator: v.optional(v.boolean('Is true or false'), DEFAULTS.resourceIndicator),
  /** What the header `typ` of access tokens says: `JWT` for issuers that do not follow RFC 9068. */
  tokenType: v.optional(v.picklist(['at+jwt', 'JWT']), DEFAULTS.tokenType),
  directory: v.variant('kind', [
    v.strictObject({ kind: v.literal('file'), file: text }),
    v.strictObject({
      kind: v.literal('claims'),
      name: v.optional(text, 'name'),
      email: v.optional(text, 'email'),
      groups: v.optional(text, 'groups'),
      azureObjectId: v.optional(text, 'oid'),
    }),
  ]),
  policyDir: text,
  timeZone: v.pipe(v.optional(text, DEFAULTS.timeZone), v.check(isTimeZone, 'Is a time zone such as "Europe/Berlin"')),
  azure: v.strictObject({
    resourceManagerEndpoint: v.optional(https),
    authorityHost: v.optional(https),
    caFile: v.optional(text),
    audience: v.optional(https),
    propagation: v.optional(duration(0, HOUR, 10 * MINUTE)),
    shortestHold: v.optional(duration(0, HOUR, 5 * MINUTE)),
    credential: v.variant('kind', [
      v.strictObject({ kind: v.literal('client-secret'), tenantId: text, clientId: text, secretFile: text }),
      v.strictObject({ kind: v.literal('default'), tenantId: v.optional(text) }),
    ]),
  }),
  heartbeatGrace: duration(30 * SECOND, HOUR, DEFAULTS.heartbeatGrace),
  requestLapse: duration(MINUTE, 7 * 24 * HOUR, DEFAULTS.requestLapse),
  longestRequestLife: duration(2 * MINUTE, HOUR, DEFAULTS.longestRequestLife),
  longestGrant: duration(MINUTE, 24 * HOUR, DEFAULTS.longestGrant),
  record: v.optional(
    v.strictObject({
      keyFile: v.optional(text),
      name: v.optional(v.pipe(text, v.regex(KEY_NAME, 'Is a name without spaces and "+"'))),
      anchors: v.optional(
        v.array(
          v.variant('kind', [
            v.strictObject({ kind: v.literal('file'), file: text }),
            v.strictObject({ kind: v.literal('https'), url: https, caFile: v.optional(text) }),
          ]),
        ),
      ),
    }),
  ),
  callsPerMinute: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(100_000)), DEFAULTS.callsPerMinute),
});
export type Configuration = v.InferOutput<typeof ConfigurationFile>;

/** @throws Fault `configuration-invalid` that names every field, its rule and the way out. Paths come back absolute. */
export async function readConfiguration(file: string): Promise<Configuration> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Fault('configuration-invalid', `The configuration ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      wayOut: 'Name a JSON file with --config',
    });
  }
  const parsed = v.safeParse(ConfigurationFile, json);
  if (!parsed.success) {
    const wayOut = 'Each line names a field of the file and what it must be';
    throw new Fault('configuration-invalid', `The configuration ${file} is not right:\n  ${describeIssues(parsed.issues).join('\n  ')}`, {
      wayOut,
    });
  }
  return absolute(parsed.output, path.dirname(path.resolve(file)));
}

/** @throws Fault that names the field whose file cannot be read. */
export async function readNamed(field: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Fault('configuration-invalid', `${field}: ${file} cannot be read`, {
      cause,
      wayOut: 'Check the path and who may read the file',
    });
  }
}

function absolute<T>(value: T, base: string): T {
  if (Array.isArray(value)) return value.map((each) => absolute(each, base)) as T;
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([key, member]) => {
    const isPath = typeof member === 'string' && (/File$/.test(key) || key === 'file' || key === 'policyDir');
    return [key, isPath ? path.resolve(base, member) : absolute(member, base)];
  });
  return Object.fromEntries(members) as T;
}

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}
