import type { AuditEvent } from '../protocol/audit.ts';
import { button } from './components.ts';
import { element } from './element.ts';
import type { StoryModel } from './story-model.ts';

export interface StoryEvents {
  chosen(event: AuditEvent): void;
  close(): void;
}

/** One grant from request to gone, as an ordered time line. */
export function story(model: StoryModel, events: StoryEvents): HTMLElement {
  const steps = model.steps.map((step) =>
    element(
      'li',
      { class: 'step' },
      element('span', { class: 'mark', attributes: { 'aria-hidden': 'true', 'data-tone': step.tone } }),
      element(
        'div',
        { class: 'step-body' },
        element(
          'div',
          { class: 'step-head' },
          button(step.label, () => events.chosen(step.event), {
            appearance: 'icon',
            label: `Details of ${step.label}`,
            class: 'step-name',
          }),
          element('span', { class: 'quiet' }, step.after ?? ''),
        ),
        element('div', { class: 'step-text', attributes: { dir: 'auto' } }, step.text),
        element('div', { class: 'quiet' }, step.time),
      ),
    ),
  );
  const waiting = model.awaiting === undefined ? [] : [awaited(model.awaiting)];
  return element(
    'div',
    { class: 'pane-body' },
    element(
      'div',
      { class: 'pane-head' },
      element('h2', { attributes: { dir: 'auto' } }, model.title),
      button('×', () => events.close(), { appearance: 'icon', label: 'Close the story' }),
    ),
    element('p', { class: 'standing' }, model.standing),
    ...(model.reason === undefined ? [] : [element('p', { class: 'reason', attributes: { dir: 'auto' } }, model.reason)]),
    ...(model.facts.length > 0 ? [element('ul', { class: 'facts' }, ...model.facts.map((fact) => element('li', {}, fact)))] : []),
    element('ol', { class: 'steps', attributes: { 'aria-label': 'From request to gone' } }, ...steps, ...waiting),
  );
}

function awaited(text: string): HTMLElement {
  return element(
    'li',
    { class: 'step awaited' },
    element('span', { class: 'mark', attributes: { 'aria-hidden': 'true', 'data-tone': 'now' } }),
    element('div', { class: 'step-body' }, element('div', { class: 'step-text' }, text)),
  );
}
