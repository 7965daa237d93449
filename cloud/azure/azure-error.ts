import { type Millis, SECOND } from '../../protocol/clock.ts';
import { withoutCredentials } from '../../protocol/withheld.ts';

/** What Azure answered instead of success. */
export interface AzureError {
  status: number;
  /** Azure's own word, such as `AuthorizationFailed`; empty when the answer had none. */
  code: string;
  message: string;
  /** What Azure asked to wait; undefined when it did not say. */
  retryAfter?: Millis | undefined;
}

interface SdkError {
  name?: unknown;
  message?: unknown;
  statusCode?: unknown;
  code?: unknown;
  response?: { headers?: { get?: (name: string) => string | undefined } };
}

/**
 * Reads an error of the SDK. Undefined when there was no answer at all: a broken connection, a timeout, a bug.
 * @param now To turn a date in `Retry-After` into a length of time.
 */
export function azureErrorOf(error: unknown, now: number): AzureError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { statusCode, code, message, response } = error as SdkError;
  if (typeof statusCode !== 'number' || statusCode < 400) return undefined;
  return {
    status: statusCode,
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? withoutCredentials(message) : '',
    retryAfter: retryAfterOf(response?.headers?.get?.('retry-after'), now),
  };
}

/** `Retry-After` in seconds (0 is valid) or as an HTTP date. */
export function retryAfterOf(header: string | undefined, now: number): Millis | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * SECOND);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Azure took the request and said no: nothing was changed. 408 and 5xx say nothing about what was done. */
export const isDefinite = ({ status }: AzureError): boolean => status >= 400 && status < 500 && status !== 408;

/** Some tenants send `BadRequest` with the sentence of another code. */
export function codeOf({ code, message }: AzureError): string {
  if (/role assignment already exists/i.test(message)) return 'RoleAssignmentExists';
  return code;
}
