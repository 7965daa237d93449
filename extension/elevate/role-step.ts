import { ThemeIcon } from 'vscode';
import type { RoleOption } from '../../protocol/model.ts';
import { type Choice, line, pick, separator } from '../quick/pick.ts';
import type { StepEnd, StepPlace } from '../quick/steps.ts';
import { spelled } from '../words/time.ts';
import { type Draft, type ElevateParts, title } from './elevate.ts';

const AUTHORITY: Record<RoleOption['authority'], string> = { central: 'Portcullis', pim: 'Entra PIM' };

/** Asks for the role, and tells of those that cannot be had why. */
export function roleStep(parts: ElevateParts, draft: Draft, place: StepPlace): Promise<StepEnd> {
  const { resource } = draft;
  if (!resource) return Promise.resolve('back');
  return pick<RoleOption | 'again'>({
    title: title(draft),
    place,
    placeholder: 'Choose a role',
    matchOnDetail: true,
    async fill(list) {
      list.busy(true);
      try {
        const answer = await parts.ask('eligibility', { resourceId: resource.id });
        if (!answer.ok) return list.show([line(answer.refusal.message, 'error', answer.refusal.wayOut), AGAIN]);
        const choices = roleChoices(answer.value.roles);
        const last = parts.remembered.last(resource.id);
        list.show(
          choices,
          choices.find(({ value }) => value && value !== 'again' && value.id === last?.roleId && value.authority === last.authority),
        );
      } catch (error) {
        list.show([line(error instanceof Error ? error.message : 'The roles could not be read', 'error'), AGAIN]);
      } finally {
        list.busy(false);
      }
    },
    // Of a role that cannot be had the whole reason, which may be longer than its line.
    onActive: (choice, list) => list.prompt(withheld(choice)),
    accept(value, list) {
      if (value === 'again') {
        list.again();
        return 'stay';
      }
      if (draft.role?.id !== value.id || draft.role.authority !== value.authority) draft.duration = undefined;
      draft.role = value;
      draft.ticketRequired = value.ticketRequired;
      return 'next';
    },
  });
}

const AGAIN: Choice<'again'> = { label: 'Retry', iconPath: new ThemeIcon('refresh'), value: 'again', alwaysShow: true };

interface Withheld extends Choice<never> {
  /** Why the role cannot be had, in full. */
  why: string;
}

const withheld = (choice: object): string | undefined => ('why' in choice ? String(choice.why) : undefined);

const firstSentence = (text: string): string => text.split(/(?<=\S)\. /, 1)[0] ?? text;

function roleChoices(roles: readonly RoleOption[]): Choice<RoleOption | 'again'>[] {
  const several = new Set(roles.map(({ authority }) => authority)).size > 1;
  const may = roles.filter(({ unavailable }) => unavailable === undefined);
  const mayNot = roles.filter(({ unavailable }) => unavailable !== undefined);
  if (roles.length === 0) return [line('There is no role that you could ask for here', 'info')];
  return [
    ...may.map((role) => ({
      label: role.title,
      description: [role.enforcement, several ? AUTHORITY[role.authority] : '', `up to ${spelled(role.longest)}`]
        .filter(Boolean)
        .join(' · '),
      detail: role.allows.join(' · ') || role.actions.join(' · '),
      iconPath: new ThemeIcon(role.enforcement === 'native' ? 'unlock' : 'shield'),
      value: role,
    })),
    ...(mayNot.length > 0 ? [separator('Not for you now')] : []),
    ...mayNot.map(
      (role): Withheld => ({
        label: role.title,
        description: [role.enforcement, several ? AUTHORITY[role.authority] : ''].filter(Boolean).join(' · '),
        detail: firstSentence(role.unavailable ?? ''),
        iconPath: new ThemeIcon('circle-slash'),
        why: role.unavailable ?? '',
      }),
    ),
  ];
}
