import { MINUTE, type Millis } from '../../protocol/clock.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import { spelled } from './time.ts';

const SHORTEST = MINUTE;
const OFFERED = [5, 10, 15, 30, 60, 120, 240, 480];

/** Durations to choose from within the limit, shortest first, and the one to mark: what was asked last, else the usual one. */
export function choices(longest: Millis, usual: Millis, last?: Millis | undefined): { offered: Millis[]; marked: Millis } {
  const likely = [last, usual].filter((value): value is Millis => value !== undefined && value >= SHORTEST && value <= longest);
  const round = [...OFFERED.map((minutes) => minutes * MINUTE).filter((value) => value <= longest), wholeMinutes(longest)];
  const offered = [...new Set([...likely, ...round])].filter((value) => value >= SHORTEST).sort((a, b) => a - b);
  return { offered, marked: likely[0] ?? offered[0] ?? SHORTEST };
}

const wholeMinutes = (duration: Millis) => Math.floor(duration / MINUTE) * MINUTE;

const FORM = /^(?:(\d{1,2})\s*(?:h|hour|hours)\b\s*)?(?:(\d{1,4})\s*(?:m|min|minute|minutes)?)?$/i;

/** Reads `15`, `15m`, `1h`, `1h 30m`, `90 min` as a duration. A refusal names the rule and the way out. */
export function readDuration(text: string, longest: Millis): Answer<Millis> {
  const trimmed = text.trim();
  const form = FORM.exec(trimmed.replace(/(\d)h(\d)/i, '$1h $2'));
  const wayOut = `Enter 1 minute to ${spelled(longest)}, such as 15 or 1h 30m.`;
  if (!trimmed || !form) return no('bad-input', `“${trimmed}” is not a number of minutes.`, { field: 'duration', wayOut });
  const duration = (Number(form[1] ?? 0) * 60 + Number(form[2] ?? 0)) * MINUTE;
  if (duration < SHORTEST) return no('bad-input', 'At least one minute.', { field: 'duration', wayOut });
  if (duration > longest) return no('bad-input', `At most ${spelled(longest)} here.`, { field: 'duration', wayOut });
  return yes(duration);
}
