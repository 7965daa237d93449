import type { PanelContact } from '../protocol/panel.ts';
import { button, progressRing } from './components.ts';
import { element } from './element.ts';

export type Emptiness =
  | { kind: 'loading' }
  | { kind: 'lost'; problem: string | undefined }
  | { kind: 'problem'; problem: string }
  | { kind: 'nothing'; filtered: boolean };

export interface EmptyEvents {
  retry(): void;
  clear(): void;
}

/** What stands in place of rows when there are none. */
export function emptiness(state: Emptiness, events: EmptyEvents): HTMLElement {
  switch (state.kind) {
    case 'loading':
      return element('div', { class: 'empty' }, progressRing('Loading the record'), element('p', {}, 'Loading the record…'));
    case 'lost':
      return element(
        'div',
        { class: 'empty', role: 'alert' },
        element('p', {}, 'Contact with the daemon is lost.'),
        ...(state.problem ? [element('p', { class: 'quiet' }, state.problem)] : []),
        element('p', { class: 'quiet' }, 'The events appear by themselves once it is back.'),
      );
    case 'problem':
      return element(
        'div',
        { class: 'empty', role: 'alert' },
        element('p', {}, 'The record could not be read.'),
        element('p', { class: 'quiet' }, state.problem),
        button('Retry', () => events.retry(), { appearance: 'primary' }),
      );
    case 'nothing':
      if (!state.filtered) {
        return element(
          'div',
          { class: 'empty' },
          element('p', {}, 'Nothing is recorded yet.'),
          element('p', { class: 'quiet' }, 'Each request, decision and grant appears here as it happens.'),
        );
      }
      return element(
        'div',
        { class: 'empty' },
        element('p', {}, 'No event matches the filter.'),
        button('Clear the filter', () => events.clear(), { appearance: 'primary' }),
      );
  }
}

/** The link to the daemon, in words; undefined while all is well. */
export function contactWords({ state, problem }: PanelContact): string | undefined {
  if (state === 'connected') return undefined;
  if (state === 'connecting') return 'Connecting to the daemon. What is shown may be out of date.';
  return `Contact with the daemon is lost. What is shown may be out of date.${problem ? ` ${problem}` : ''}`;
}
