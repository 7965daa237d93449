import type { AuditFilter } from '../protocol/audit.ts';
import type { Cancel, Clock } from '../protocol/clock.ts';
import type { PanelResult } from '../protocol/panel.ts';
import { button, type Choice, type Dropdown, dropdown, textField } from './components.ts';
import { element } from './element.ts';
import { isKind, kindLabel } from './kinds.ts';
import { oneLine } from './visible-text.ts';

type Facets = PanelResult<'facets'>;

const LONGEST_TEXT = 200;
/** Time after the last key before the record is searched. */
const TYPING = 250;
/** A list longer than this helps nobody; the search field finds the rest. */
const MOST_CHOICES = 200;

export interface FilterEvents {
  changed(filter: AuditFilter): void;
  /** The lists may be out of date. */
  opened(): void;
  save(): void;
}

/** Text, person, balancer and kind; a chip for one grant or request; *Clear* and *Export*. */
export class FilterBar {
  readonly element: HTMLElement;
  readonly #text: ReturnType<typeof textField>;
  readonly #person: Dropdown;
  readonly #balancer: Dropdown;
  readonly #kind: Dropdown;
  readonly #chips: HTMLElement;
  readonly #clear: HTMLElement;
  readonly #clock: Clock;
  readonly #events: FilterEvents;
  #filter: AuditFilter = {};
  #facets: Facets = { people: [], balancers: [], kinds: [] };
  #typing: Cancel = () => undefined;

  constructor(clock: Clock, events: FilterEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#text = textField('Search text, names, reasons, tickets', LONGEST_TEXT, (value) => this.#typed(value));
    this.#person = dropdown('Person', (value) => this.#change('person', value));
    this.#balancer = dropdown('Balancer', (value) => this.#change('balancer', value));
    this.#kind = dropdown('Event', (value) => this.#change('kind', isKind(value) ? value : ''));
    this.#chips = element('div', { class: 'chips' });
    this.#clear = button('Clear', () => this.#set({}), { label: 'Clear all filters' });
    const save = button('Export…', () => events.save(), { label: 'Export what is shown' });
    const lists = [this.#person.element, this.#balancer.element, this.#kind.element];
    for (const list of lists) list.addEventListener('focus', () => events.opened());
    this.element = element(
      'div',
      { class: 'filters', role: 'search', attributes: { 'aria-label': 'Filter events' } },
      this.#text.element,
      ...lists,
      this.#chips,
      element('div', { class: 'acts' }, this.#clear, save),
    );
    this.show({});
  }

  /** Shows a filter that was set elsewhere. */
  show(filter: AuditFilter): void {
    this.#typing();
    this.#filter = filter;
    if (this.#text.value !== (filter.text ?? '')) this.#text.value = filter.text ?? '';
    this.#offer();
  }

  offer(facets: Facets): void {
    if (JSON.stringify(facets) === JSON.stringify(this.#facets)) return;
    this.#facets = facets;
    this.#offer();
  }

  #offer(): void {
    const { people, balancers, kinds } = this.#facets;
    const { person, balancer, kind } = this.#filter;
    this.#person.offer(choices('Everybody', people, person), person ?? '');
    this.#balancer.offer(choices('All balancers', balancers, balancer), balancer ?? '');
    const known = kinds.filter(isKind).map((id) => ({ id, name: kindLabel(id) }));
    this.#kind.offer(choices('All events', known, kind, kind && kindLabel(kind)), kind ?? '');
    const { grantId, requestId } = this.#filter;
    this.#chips.replaceChildren(
      ...(grantId ? [this.#chip(`Grant ${grantId.slice(0, 8)}`, 'grantId')] : []),
      ...(requestId ? [this.#chip(`Request ${requestId.slice(0, 8)}`, 'requestId')] : []),
    );
    this.#clear.hidden = Object.keys(this.#filter).length === 0;
  }

  #chip(text: string, member: 'grantId' | 'requestId'): HTMLElement {
    const remove = button('×', () => this.#change(member, ''), { appearance: 'icon', label: `Do not filter by ${text}` });
    return element('span', { class: 'chip' }, text, remove);
  }

  #typed(value: string): void {
    this.#typing();
    this.#typing = this.#clock.after(TYPING, () => this.#change('text', value.trim()));
  }

  #change(member: keyof AuditFilter, value: string): void {
    const { [member]: _, ...others } = this.#filter;
    this.#set(value === '' ? others : ({ ...others, [member]: value } as AuditFilter));
  }

  #set(filter: AuditFilter): void {
    this.show(filter);
    this.#events.changed(filter);
  }
}

/** All, then by name; what is chosen is always among them. */
function choices(all: string, known: { id: string; name: string }[], chosen: string | undefined, name = chosen): Choice[] {
  const sorted = [...known].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST_CHOICES);
  const missing = chosen !== undefined && name !== undefined && !sorted.some(({ id }) => id === chosen);
  const there = missing ? [{ id: chosen, name: known.find(({ id }) => id === chosen)?.name ?? name }, ...sorted] : sorted;
  return [{ value: '', text: all }, ...there.map((one) => ({ value: one.id, text: oneLine(one.name) }))];
}
