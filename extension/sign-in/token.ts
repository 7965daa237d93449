import * as v from 'valibot';
import { HOUR, type Instant, LONGEST_TIMER, MINUTE, type Millis } from '../../protocol/clock.ts';

const Claims = v.object({ exp: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/**
 * When an access token ends, by its own word. It is not verified here: the daemon and the cloud do that.
 * A token that does not say is taken for a short one.
 */
export function expiryOf(token: string, now: Instant): Instant {
  const claims = v.safeParse(v.pipe(v.string(), v.parseJson(), Claims), decoded(token.split('.')[1] ?? ''));
  return claims.success ? claims.output.exp * 1_000 : now + HOUR / 2;
}

const decoded = (part: string): string => Buffer.from(part, 'base64url').toString('utf8');

const RENEW_BEFORE = 5 * MINUTE;

/** How long until VS Code is asked for a newer one. While it has none, it is asked every minute. */
export const renewalIn = (expiresAt: Instant, now: Instant): Millis =>
  Math.min(Math.max(MINUTE, expiresAt - now - RENEW_BEFORE), LONGEST_TIMER);

/** Pages that a sign-in may open: the web over TLS, or this machine's own loopback. */
export function mayOpen(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}
