import type { Millis } from '../../protocol/clock.ts';
import { MINUTE } from '../../protocol/clock.ts';
import type { RoleOption } from '../../protocol/model.ts';
import { type Choice, type List, line, pick } from '../quick/pick.ts';
import type { StepEnd, StepPlace } from '../quick/steps.ts';
import { choices, readDuration } from '../words/minutes.ts';
import { spelled } from '../words/time.ts';
import { type Draft, type ElevateParts, questionOf, title } from './elevate.ts';
import { inShort } from './review.ts';

/** Asks how long, within the policy's limit; tells what the policy would say to the choice that is marked. */
export function minutesStep(parts: ElevateParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  return draft.role && draft.resource ? ofRole(parts, draft, draft.role, place) : Promise.resolve('back');
}

function ofRole(parts: ElevateParts, draft: Draft, role: RoleOption, place: StepPlace): Promise<StepEnd> {
  const answers = new Map<Millis, string>();
  const until = (duration: Millis) => `until about ${parts.time.at(parts.clock.now() + duration, parts.clock.now())}`;
  let marked: Millis | undefined;

  const row = (duration: Millis): Choice<Millis> => ({
    label: spelled(duration),
    description: until(duration),
    alwaysShow: true,
    value: duration,
  });
  function draw(list: List<Millis>): void {
    const { offered, marked: first } = choicesOf(parts, draft, role);
    const rows = offered.map(row);
    list.show(
      rows,
      rows.find(({ value }) => value === first),
    );
  }

  /** What the policy would say to the marked choice. */
  async function foretell(duration: Millis, list: List<Millis>): Promise<void> {
    marked = duration;
    list.prompt(answers.get(duration) ?? ASKING);
    const question = questionOf({ ...draft, duration });
    if (!question || answers.has(duration)) return;
    const answer = await parts.ask('preview', question).catch(() => undefined);
    if (answer) answers.set(duration, `${spelled(duration)}: ${answer.ok ? inShort(answer.value) : answer.refusal.message}`);
    if (marked === duration) list.prompt(answers.get(duration));
  }
  return pick<Millis>({
    title: title(draft),
    place,
    placeholder: `How long? Choose, or type minutes such as 25 or 1h 30m. At most ${spelled(role.longest)}`,
    fill: (list) => draw(list),
    onActive: ({ value }, list) => void (value === undefined || foretell(value, list)),
    onValue(value, list) {
      if (!value.trim()) return draw(list);
      const own = readDuration(value, role.longest);
      if (own.ok) return list.show([row(own.value)]);
      marked = undefined;
      list.prompt(undefined);
      list.show([line(own.refusal.message, 'error', own.refusal.wayOut)]);
    },
    accept(duration) {
      draft.duration = duration;
      return 'next';
    },
  });
}

const ASKING = 'Asking the policy…';

function choicesOf(parts: ElevateParts, draft: Draft, role: RoleOption): ReturnType<typeof choices> {
  const last = draft.resource ? parts.remembered.last(draft.resource.id) : undefined;
  const before = draft.duration ?? (last?.roleId === role.id ? last.duration : undefined) ?? parts.defaultMinutes() * MINUTE;
  return choices(role.longest, role.usual, before);
}
