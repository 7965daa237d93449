import { HOUR, type Instant, MINUTE, type Millis, SECOND } from '../protocol/clock.ts';

const DAY: Millis = 24 * HOUR;
/** The farthest instant that a calendar knows. */
const FARTHEST: Instant = 8.64e15;

export interface Times {
  /** `2026-11-23 09:14:05`: the same width everywhere, and in order when read as text. */
  row(at: Instant): string;
  /** `23 November 2026 at 09:14:05.120 GMT+1` */
  full(at: Instant): string;
  /** `09:14:05` */
  ofDay(at: Instant): string;
}

/** Instants in the zone of the person who looks. */
export function createTimes(timeZone?: string): Times {
  const zone = timeZone === undefined ? {} : { timeZone };
  const date = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  const row = new Intl.DateTimeFormat('sv-SE', { ...zone, ...date, ...time });
  const ofDay = new Intl.DateTimeFormat('sv-SE', { ...zone, ...time });
  const full = new Intl.DateTimeFormat('en-GB', {
    ...zone,
    ...time,
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  });
  const by = (format: Intl.DateTimeFormat) => (at: Instant) => (Math.abs(at) <= FARTHEST ? format.format(at) : 'unknown time');
  return { row: by(row), full: by(full), ofDay: by(ofDay) };
}

/** `350 ms`, `1.4 s`, `42 s`, `3 min 5 s`, `2 h 4 min`, `3 d 4 h`: two units at most. */
export function duration(span: Millis): string {
  if (!Number.isFinite(span)) return 'an unknown time';
  if (span < 0) return `−${duration(-span)}`;
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < 9_950) return `${(span / SECOND).toFixed(1)} s`;
  if (span < 59_500) return `${Math.round(span / SECOND)} s`;
  if (span < HOUR - 500) return pair(span, MINUTE, 'min', SECOND, 's');
  if (span < DAY - 30 * SECOND) return pair(span, HOUR, 'h', MINUTE, 'min');
  return pair(span, DAY, 'd', HOUR, 'h');
}

function pair(span: Millis, large: Millis, largeName: string, small: Millis, smallName: string): string {
  const rounded = Math.round(span / small) * small;
  const rest = Math.round((rounded % large) / small);
  return `${Math.floor(rounded / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}

/** `just now`, `5 min ago`, `in 2 h`: whole steps, so that it changes at most once a minute. */
export function relative(at: Instant, now: Instant): string {
  const span = Math.abs(now - at);
  if (!Number.isFinite(span)) return '';
  if (span < MINUTE) return at <= now ? 'just now' : 'in less than a minute';
  const [size, name] = span < HOUR ? [MINUTE, 'min'] : span < 2 * DAY ? [HOUR, 'h'] : [DAY, 'days'];
  const text = `${Math.floor(span / size)} ${name}`;
  return at <= now ? `${text} ago` : `in ${text}`;
}

/** Time left, in minute steps: `42 min left`, `less than a minute left`, `due now`. */
export function left(until: Instant, now: Instant): string {
  const span = until - now;
  if (span <= 0) return 'due now';
  if (span < MINUTE) return 'less than a minute left';
  const minutes = Math.floor(span / MINUTE);
  return minutes < 60 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}
