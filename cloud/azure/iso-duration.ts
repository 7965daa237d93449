import { HOUR, MINUTE, type Millis, SECOND } from '../../protocol/clock.ts';

const DURATION = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Whole seconds, rounded down: an end is never later than was asked for. */
export function isoDuration(length: Millis): string {
  const whole = Math.max(0, Math.floor(length / SECOND));
  const parts = [
    [Math.floor(whole / 3_600), 'H'],
    [Math.floor(whole / 60) % 60, 'M'],
    [whole % 60, 'S'],
  ] as const;
  const text = parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : '')).join('');
  return `PT${text || '0S'}`;
}

/** Undefined for what is not an ISO 8601 duration. Years have 365 days and months 30, as Azure counts them. */
export function millisOf(text: string): Millis | undefined {
  const match = DURATION.exec(text);
  if (!match || text.endsWith('P') || text.endsWith('T')) return undefined;
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return (years * 365 + months * 30 + weeks * 7 + days) * 24 * HOUR + hours * HOUR + minutes * MINUTE + seconds * SECOND;
}
