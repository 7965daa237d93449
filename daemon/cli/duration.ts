import { HOUR, MINUTE, type Millis, SECOND } from '../../protocol/clock.ts';
import { UsageError } from './outcome.ts';

const SHORT = /^(?=\d)(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/i;
const ISO = /^P(?=[T\d])(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?$/i;

/**
 * Reads `15m`, `1h`, `1h30m`, `90s`, and ISO 8601 as in `PT15M`. How long is too long is policy, and not asked here.
 * @throws UsageError that names the rule.
 */
export function parseDuration(text: string, option = '--for'): Millis {
  const short = SHORT.exec(text.trim());
  const iso = short ? undefined : ISO.exec(text.trim());
  const [days, hours, minutes, seconds] = short ? [0, short[1], short[2], short[3]] : (iso?.slice(1) ?? []);
  const length = (Number(days ?? 0) * 24 + Number(hours ?? 0)) * HOUR + Number(minutes ?? 0) * MINUTE + Number(seconds ?? 0) * SECOND;
  if ((!short && !iso) || length === 0) {
    throw new UsageError(`"${text}" is no length of time for ${option}`, {
      wayOut: 'Write whole numbers with h, m and s, largest first: 15m, 1h, 1h30m, 90s; or ISO 8601: PT15M.',
    });
  }
  return length;
}

/** `1h30m`, `15m`, `45s`: what `parseDuration` reads, to the second. */
export function showDuration(length: Millis): string {
  const seconds = Math.max(0, Math.round(length / SECOND));
  const parts = [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : '')).join('') || '0s';
}
