import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { Fault } from '../protocol/fault.ts';
import { AuthorityId } from '../protocol/model.ts';
import { readNoteKey } from '../protocol/note.ts';
import type { Places } from '../protocol/places.ts';
import { recordCrypto } from './record/crypto.ts';

const https = v.pipe(
  v.string('must be text'),
  v.url('must be a URL'),
  v.startsWith('https://', 'must start with https://'),
  v.check((url) => {
    if (!URL.canParse(url)) return false;
    const { username, password, hash } = new URL(url);
    return username === '' && password === '' && hash === '';
  }, 'must have no user name, password or fragment'),
);
const absolute = v.pipe(v.string('must be text'), v.regex(/^(\/|[A-Za-z]:\\)/, 'must be an absolute path'));

const minutes = v.pipe(v.number('must be a number'), v.minValue(0, 'must not be negative'), v.maxValue(60, 'must be at most 60'));

/** Where this daemon may turn to. The only source of its targets: no setting, variable or message can move them. */
export const Enrolment = v.strictObject({
  central: v.optional(
    v.pipe(
      v.strictObject({
        url: https,
        caFile: v.optional(absolute),
        signIn: v.picklist(['browser', 'azure'], 'must be "browser" or "azure"'),
        /** Scope of central's tokens when signing in with the Azure identity. */
        azureScope: v.optional(v.pipe(v.string('must be text'), v.minLength(1, 'must not be empty'))),
        /** Central's public key for its record. Without it the first one that central shows counts from then on. */
        recordKey: v.optional(
          v.pipe(
            v.string('must be text'),
            v.check((text) => readNoteKey(text, recordCrypto.sha256) !== undefined, 'must be "name+hash+key", as central publishes it'),
          ),
        ),
      }),
      v.forward(
        v.check(({ signIn, azureScope }) => signIn !== 'azure' || azureScope !== undefined, 'is needed when signIn is "azure"'),
        ['azureScope'],
      ),
    ),
  ),
  azure: v.optional(
    v.strictObject({
      resourceManagerEndpoint: v.optional(https),
      authorityHost: v.optional(https),
      caFile: v.optional(absolute),
      tenantId: v.optional(v.pipe(v.string('must be text'), v.minLength(1, 'must not be empty'))),
      audience: v.optional(v.pipe(v.string('must be text'), v.minLength(1, 'must not be empty'))),
      /** Longest time that a removed right may still work, in minutes. */
      propagationMinutes: v.optional(minutes),
      /** How long Azure keeps an activation at least, in minutes. */
      shortestHoldMinutes: v.optional(minutes),
    }),
  ),
  authorities: v.optional(
    v.pipe(v.array(AuthorityId, 'must be a list of "central" and "pim"'), v.minLength(1, 'must name at least one authority')),
  ),
});
export type Enrolment = v.InferOutput<typeof Enrolment>;

export interface Enrolled {
  enrolment: Enrolment;
  /** The file it came from; undefined when there is none. */
  file: string | undefined;
  /** Who what it names must belong to. */
  owners: Owners;
}

/** Who a trusted file may belong to, where files have owners. */
export type Owners = 'root' | 'root or yourself';

/** Reads a file of settings that decide about trust: who may have written it matters as much as what it says. */
export function readTrusted(file: string, uid: number | undefined, owners: Owners): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return undefined;
    throw invalid(file, 'the file', 'cannot be read', 'Make it readable for your own user.', cause);
  }
  try {
    // The open file is judged, not its name: nobody can swap it in between.
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw invalid(file, 'the file', 'is not a regular file', 'Replace it with a plain file.');
    if (uid !== undefined && stat.uid !== 0 && (owners === 'root' || stat.uid !== uid))
      throw invalid(
        file,
        'the owner',
        `must be ${owners}`,
        owners === 'root' ? `An administrator must run: chown root ${file}` : `Run: chown ${uid} ${file}`,
      );
    if (uid !== undefined && (stat.mode & 0o022) !== 0)
      throw invalid(file, 'the mode', 'must not let group or others write', `Run: chmod go-w ${file}`);
    if (stat.size > 65_536) throw invalid(file, 'the file', 'must be smaller than 64 KiB', 'Keep only the members that are documented.');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * The machine's own file wins over the person's; without any: public Azure, and Entra PIM decides.
 * @throws Fault `configuration-invalid` that names the field, the rule and the way out.
 */
export function readEnrolment(places: Pick<Places, 'enrolmentFile' | 'machineEnrolmentFile'>, uid: number | undefined): Enrolled {
  // What this person may write is no administrator's: the machine's file, and what it names, is root's.
  const files: [string, Owners][] = [
    [places.machineEnrolmentFile, 'root'],
    [places.enrolmentFile, 'root or yourself'],
  ];
  for (const [file, owners] of files) {
    const text = readTrusted(file, uid, owners);
    if (text !== undefined) return { enrolment: parseEnrolment(text, file), file, owners };
  }
  return { enrolment: {}, file: undefined, owners: 'root or yourself' };
}

export function parseEnrolment(text: string, file: string): Enrolment {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw invalid(file, 'the file', 'must be JSON', 'Look for a missing comma, quote or brace.', cause);
  }
  if (Array.isArray(json)) throw invalid(file, 'the file', 'must be one JSON object', 'Put the members between { and }.');
  const parsed = v.safeParse(Enrolment, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const field = v.getDotPath(issue) ?? 'the file';
    if (issue.type === 'strict_object' && issue.expected === 'never')
      throw invalid(file, field, 'is not a member that this file may have', 'Remove it, or correct its name.');
    throw invalid(file, field, issue.type === 'strict_object' ? 'is missing or has the wrong type' : issue.message, `Correct ${field}.`);
  }
  const enrolment = parsed.output;
  if (enrolment.authorities?.includes('central') && !enrolment.central)
    throw invalid(
      file,
      'authorities',
      'names "central", but there is no member "central"',
      'Add central.url and central.signIn, or remove it.',
    );
  return enrolment;
}

/** Which authorities decide: as listed, else central when there is one, else Entra PIM. */
export function authoritiesOf(enrolment: Enrolment): AuthorityId[] {
  return [...new Set(enrolment.authorities ?? [enrolment.central ? 'central' : 'pim'])] as AuthorityId[];
}

function invalid(file: string, field: string, rule: string, wayOut: string, cause?: unknown): Fault {
  return new Fault('configuration-invalid', `${file}: ${field} ${rule}`, { wayOut, detail: field, cause });
}
