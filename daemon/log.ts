import { renameSync, statSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { withoutCredentials } from '../protocol/withheld.ts';

const ROTATE_ABOVE = 5 * 1_024 * 1_024;

/** Everything that may stand in the log. What is not named here cannot get there: tokens and secrets have no name. */
export interface LogFields {
  code?: string | undefined;
  detail?: string | undefined;
  problem?: string | undefined;
  method?: string | undefined;
  grantId?: string | undefined;
  requestId?: string | undefined;
  connection?: number | undefined;
  client?: string | undefined;
  instance?: string | undefined;
  version?: string | undefined;
  pid?: number | undefined;
  path?: string | undefined;
  state?: string | undefined;
  attempt?: number | undefined;
  count?: number | undefined;
  ms?: number | undefined;
  status?: number | undefined;
  seq?: number | undefined;
}

const ALLOWED: readonly (keyof LogFields)[] = [
  'code',
  'detail',
  'problem',
  'method',
  'grantId',
  'requestId',
  'connection',
  'client',
  'instance',
  'version',
  'pid',
  'path',
  'state',
  'attempt',
  'count',
  'ms',
  'status',
  'seq',
];

export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/**
 * Keeps a value from forging lines or moving a terminal's cursor: controls and direction marks become visible escapes. And what
 * looks like a credential is left out: causes are other people's words.
 */
export function plain(text: string): string {
  return withoutCredentials(text)
    .slice(0, 2_000)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

export function allowed(fields: LogFields): Record<string, string | number> {
  const kept: Record<string, string | number> = {};
  for (const key of ALLOWED) {
    const value = fields[key];
    if (typeof value === 'string') kept[key] = plain(value);
    else if (typeof value === 'number') kept[key] = value;
  }
  return kept;
}

/** Name, code and message of whatever was thrown, and of its cause; never its other members. */
export function ofError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { problem: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : undefined;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return { code, detail, problem: `${error.message}${cause}` };
}

/** The log file, 0600; the one before it is kept as `<file>.1` once it is larger than 5 MiB. */
export function fileLog(file: string, now: () => number): Log {
  try {
    if (statSync(file).size > ROTATE_ABOVE) renameSync(file, `${file}.1`);
  } catch {
    // There is none yet.
  }
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600 });
  // A full disk must not end the daemon: it loses log lines, never a revocation.
  destination.on('error', () => {});
  return pinoLog(pino({ base: null, timestamp: () => `,"at":${now()}`, formatters: { level: (level) => ({ level }) } }, destination));
}

export function pinoLog(logger: Pick<Logger, 'info' | 'warn' | 'error'>): Log {
  return {
    info: (event, fields = {}) => logger.info(allowed(fields), plain(event)),
    warn: (event, fields = {}) => logger.warn(allowed(fields), plain(event)),
    error: (event, fields = {}) => logger.error(allowed(fields), plain(event)),
  };
}
