import type { AuditEvent, AuditFilter } from '../protocol/audit.ts';
import type { Instant } from '../protocol/clock.ts';
import type { StoryOf } from '../protocol/panel.ts';
import { button } from './components.ts';
import { fieldsOf } from './details-model.ts';
import { element } from './element.ts';
import { nameOf } from './kinds.ts';
import type { Times } from './times.ts';

export interface DetailsEvents {
  story(of: StoryOf): void;
  only(filter: AuditFilter): void;
  close(): void;
}

/** All that is recorded of one event. */
export function details(event: AuditEvent, times: Times, now: Instant, events: DetailsEvents): HTMLElement {
  const rows = fieldsOf(event, times, now).flatMap(({ name, values, code, filter }) => {
    const lines = values.map((value) => element('div', { class: code ? 'code' : '', attributes: { dir: 'auto' } }, value));
    const only =
      filter &&
      button('Only this', () => events.only(filter), { appearance: 'icon', label: `Show only this ${name.toLowerCase()}`, class: 'only' });
    return [element('dt', {}, name), element('dd', {}, element('div', { class: 'values' }, ...lines), ...(only ? [only] : []))];
  });
  const of = storyTarget(event);
  const story =
    of && button('grantId' in of ? 'Story of this grant' : 'Story of this request', () => events.story(of), { appearance: 'primary' });
  return element(
    'div',
    { class: 'pane-body' },
    element(
      'div',
      { class: 'pane-head' },
      element('h2', {}, nameOf(event).label),
      button('×', () => events.close(), { appearance: 'icon', label: 'Close the details' }),
    ),
    ...(story ? [element('div', { class: 'pane-acts' }, story)] : []),
    element('dl', {}, ...rows),
  );
}

function storyTarget({ grantId, requestId }: AuditEvent): StoryOf | undefined {
  if (grantId) return { grantId };
  return requestId ? { requestId } : undefined;
}
