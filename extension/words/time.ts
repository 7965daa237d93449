import { HOUR, type Instant, MINUTE, type Millis } from '../../protocol/clock.ts';

/** Says instants as people read them. One place, so that a time looks the same everywhere. */
export interface TimeWords {
  /** `14:32`, with the day before it when that is not today: `Tue 14:32`. */
  at(instant: Instant, now: Instant): string;
  /** `23 Nov 2026, 14:32:07`. */
  exact(instant: Instant): string;
}

/** @param zone IANA name; the machine's own when absent. */
export function timeWords(zone?: string | undefined): TimeWords {
  const timeZone = zone === undefined ? {} : { timeZone: zone };
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...timeZone });
  const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short', ...timeZone });
  const day = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', ...timeZone });
  const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', ...timeZone });
  return {
    at: (instant, now) => {
      const time = clock.format(instant);
      return day.format(instant) === day.format(now) ? time : `${weekday.format(instant)} ${time}`;
    },
    exact: (instant) => exact.format(instant),
  };
}

/** `15 minutes`, `1 hour`, `1 hour 30 minutes`. Below a minute: `less than a minute`. */
export function spelled(duration: Millis): string {
  const minutes = Math.floor(duration / MINUTE);
  if (minutes < 1) return 'less than a minute';
  return [plural(Math.floor(minutes / 60), 'hour'), plural(minutes % 60, 'minute')].filter(Boolean).join(' ');
}

const plural = (count: number, word: string) => (count === 0 ? '' : `${count} ${word}${count === 1 ? '' : 's'}`);

/** `42m`, `1h 05m`. Never more than there is. */
export function short(duration: Millis): string {
  const minutes = Math.max(0, Math.floor(duration / MINUTE));
  return duration < HOUR ? `${minutes}m` : `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

/** `4:59`. Never more than there is. */
export function ticking(duration: Millis): string {
  const seconds = Math.max(0, Math.floor(duration / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
