import { ThemeIcon } from 'vscode';
import { HOUR, type Millis } from '../../protocol/clock.ts';
import type { Grant } from '../../protocol/model.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { type Choice, type List, line, pick } from '../quick/pick.ts';
import { ask as askSteps, type Step, type StepEnd, type StepPlace } from '../quick/steps.ts';
import { reasonProblem, text } from '../quick/text.ts';
import { ticketStep } from '../quick/ticket-step.ts';
import type { ShownGrant } from '../view.ts';
import { onWhat } from '../words/grants.ts';
import { choices, readDuration } from '../words/minutes.ts';
import { spelled } from '../words/time.ts';
import type { ActParts } from './parts.ts';
import { grantChoice } from './revoke.ts';

interface Draft {
  grant?: Grant | undefined;
  longest: Millis;
  usual: Millis;
  duration?: Millis | undefined;
  reason: string;
  ticket: string;
  ticketRequired: boolean;
}

const PROTOCOL_LIMIT = 24 * HOUR;

/** *Extend…*: a request that follows on from a grant. Those that cannot be extended are shown with the reason. */
export async function extend(parts: ActParts, among: ShownGrant[]): Promise<void> {
  if (among.length === 0) {
    parts.notices.told('You hold nothing that could be extended.');
    return;
  }
  const draft: Draft = { longest: PROTOCOL_LIMIT, usual: PROTOCOL_LIMIT, reason: '', ticket: '', ticketRequired: false };
  const able = among.filter(({ grant }) => grant.extendable.ok);
  const choose: Step[] = [];
  if (among.length === 1 && able[0]) await take(parts, draft, able[0].grant);
  else choose.push((place) => grantStep(parts, draft, among, place));
  await askSteps(() => [
    ...choose,
    (place) => minutesStep(parts, draft, place),
    (place) => reasonStep(draft, place),
    ...(draft.ticketRequired ? ([(place) => ticketStep(draft, title(draft), place)] satisfies Step[]) : []),
    (place) => confirmStep(parts, draft, place),
  ]);
}

const title = ({ grant }: Draft): string => (grant ? `Extend · ${onWhat(grant)}` : 'Extend');

function grantStep(parts: ActParts, draft: Draft, among: ShownGrant[], place: StepPlace): Promise<StepEnd> {
  return pick<Grant>({
    title: 'Extend',
    place,
    placeholder: 'Which access to extend?',
    fill: (list) =>
      list.show(
        among.map((shown): Choice<Grant> => {
          const { value, ...told } = grantChoice(parts, shown);
          const { ok, why } = shown.grant.extendable;
          return ok ? { ...told, value } : { ...told, detail: why ?? 'It cannot be extended', iconPath: new ThemeIcon('circle-slash') };
        }),
      ),
    async accept(grant): Promise<StepEnd> {
      await take(parts, draft, grant);
      return 'next';
    },
  });
}

/** The limits of the role, so that no impossible minutes are offered. Without them the policy's refusal says so. */
async function take({ store }: ActParts, draft: Draft, grant: Grant): Promise<void> {
  draft.grant = grant;
  draft.reason = grant.reason;
  draft.ticket = grant.ticket ?? '';
  const answer = await store.ask('eligibility', { resourceId: grant.resource.id }).catch(() => undefined);
  const role = answer?.ok
    ? answer.value.roles.find(({ id, authority }) => id === grant.role.id && authority === grant.authority)
    : undefined;
  draft.longest = role?.longest ?? PROTOCOL_LIMIT;
  draft.usual = role?.usual ?? PROTOCOL_LIMIT;
  draft.ticketRequired = role?.ticketRequired ?? false;
}

function minutesStep({ clock, time }: ActParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  const { grant } = draft;
  if (!grant) return Promise.resolve('back');
  const ends = time.at(grant.notAfter, clock.now());
  // The grant that follows counts from its own beginning, which is now.
  const isLater = (duration: Millis) => clock.now() + duration > grant.notAfter;
  const row = (duration: Millis): Choice<Millis> => ({
    label: `${spelled(duration)} from now`,
    description: `until about ${time.at(clock.now() + duration, clock.now())}`,
    alwaysShow: true,
    value: duration,
  });
  const tooShort = line(`It lasts until ${ends} already.`, 'error', 'Enter more minutes, counted from now.');
  function draw(list: List<Millis>): void {
    const { offered, marked } = choices(draft.longest, draft.usual, draft.duration);
    const rows = offered.filter(isLater).map(row);
    const none = line(`It lasts until ${ends}: no extension is longer than that now.`, 'info');
    list.show(
      rows.length > 0 ? rows : [none],
      rows.find(({ value }) => value === marked),
    );
  }
  return pick<Millis>({
    title: title(draft),
    place,
    placeholder: 'How long from now? Choose, or type minutes such as 25 or 1h 30m',
    prompt: `It lasts until ${ends} already.`,
    fill: draw,
    onValue(value, list) {
      const own = readDuration(value, draft.longest);
      if (!value.trim()) draw(list);
      else if (own.ok) list.show([isLater(own.value) ? row(own.value) : tooShort]);
      else list.show([line(own.refusal.message, 'error', own.refusal.wayOut)]);
    },
    accept(duration) {
      draft.duration = duration;
      return 'next';
    },
  });
}

function reasonStep(draft: Draft, place: StepPlace): Promise<StepEnd> {
  return text({
    title: title(draft),
    place,
    placeholder: 'Reason',
    prompt: 'Why you need it longer. It goes to the approver and into the record.',
    value: draft.reason,
    problem: reasonProblem,
    accept: (reason) => {
      draft.reason = reason;
    },
  });
}

function confirmStep(parts: ActParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  const { grant, duration } = draft;
  if (!grant || duration === undefined) return Promise.resolve('back');
  // One key for one answer: sent again after a lost answer, it is the same request.
  const idempotencyKey = parts.newKey();
  const rows = (refusal?: Refusal): Choice<'extend'>[] => [
    {
      label: refusal ? 'Request it again' : 'Request extension',
      detail: `${grant.role.title} on ${onWhat(grant)} for ${spelled(duration)} from now, if the policy agrees`,
      iconPath: new ThemeIcon('watch'),
      alwaysShow: true,
      value: 'extend',
    },
    ...(refusal ? [line(refusal.message, 'error', refusal.wayOut)] : []),
    line(draft.reason, 'comment'),
    ...(draft.ticket ? [line(draft.ticket, 'tag')] : []),
  ];
  return pick<'extend'>({
    title: title(draft),
    place,
    placeholder: 'Review, then request the extension',
    fill: (list) => list.show(rows()),
    async accept(_, list) {
      list.busy(true);
      try {
        const ticket = draft.ticket ? { ticket: draft.ticket } : {};
        const answer = await parts.store.ask('extend', { grantId: grant.id, duration, reason: draft.reason, ...ticket, idempotencyKey });
        if (answer.ok) {
          parts.requested(answer.value.requestId);
          return 'done';
        }
        if (answer.refusal.field === 'ticket') draft.ticketRequired = true;
        list.show(rows(answer.refusal));
      } catch (error) {
        const message = error instanceof Error ? error.message : 'The request could not be sent';
        list.show(rows({ code: 'unreachable', message, wayOut: 'Request again: the same request is never counted twice.' }));
      } finally {
        list.busy(false);
      }
      return 'stay';
    },
  });
}
