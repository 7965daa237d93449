import { HOUR, type Instant, MINUTE, type Millis, SECOND } from '../../../protocol/clock.ts';

export interface Now {
  now: Instant;
  /** IANA time zone. */
  zone: string;
}

/** `14:32`, with the day when it is another one: `24 Nov 14:32`. */
export function clockTime(at: Instant, { now, zone }: Now): string {
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' });
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(at);
  if (day.format(at) === day.format(now)) return time;
  return `${new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short' }).format(at)} ${time}`;
}

/** To the second and with the date: for the record. */
export function fullTime(at: Instant, zone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return parts.format(at);
}

/** A measured span: `0.4 s`, `4.6 s`, `42 s`, `3 min`, `2 h 4 min`. */
export function span(length: Millis): string {
  if (length < 10 * SECOND) return `${(length / SECOND).toFixed(1)} s`;
  return remaining(length, 0);
}

/** What is left: `9 min`, `1 h 5 min`, `40 s`. Rounded down, so that it never promises more than there is. */
export function remaining(until: Instant, now: Instant): string {
  const left = Math.max(0, until - now);
  if (left < MINUTE) return `${Math.floor(left / SECOND)} s`;
  const hours = Math.floor(left / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  if (hours === 0) return `${minutes} min`;
  return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
}
