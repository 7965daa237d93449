import type { AuditEvent } from '../protocol/audit.ts';
import { element } from './element.ts';
import { type EventPages, keyOf } from './event-pages.ts';
import { COLUMNS, rowOf } from './row-model.ts';
import type { Times } from './times.ts';
import { type Geometry, inView, reveal, rowAfter, type Span, scrolled, toReal, toScroll } from './virtual-window.ts';

export const ROW_HEIGHT = 22;
/** Rows kept ready above and below the view. */
const MORE = 6;

interface RowView {
  element: HTMLElement;
  cells: HTMLElement[];
  mark: HTMLElement;
  /** What it shows, so that it is written only when that changes. */
  shows: string;
}

export interface ListEvents {
  /** These rows are in view, and not all of them may be held. */
  seen(first: number, end: number): void;
  chosen(event: AuditEvent, place: number): void;
}

/** Any number of rows in a grid of which only those in view exist. One row is the tab stop; the arrow keys move it. */
export class EventList {
  readonly element: HTMLElement;
  readonly #view: HTMLElement;
  readonly #tall: HTMLElement;
  readonly #times: Times;
  readonly #events: ListEvents;
  readonly #rows = new Map<number, RowView>();
  readonly #spare: RowView[] = [];
  #pages: EventPages;
  /** The row that has the tab stop, by place. */
  #active: number | undefined;
  #selected: string | undefined;
  /** The exact place after a jump: a scaled scroll position is too coarse to remember it. */
  #jump: { scrollTop: number; top: number } | undefined;
  #geometry: Geometry = { rows: 0, rowHeight: ROW_HEIGHT, view: 0 };

  constructor(pages: EventPages, times: Times, events: ListEvents) {
    this.#pages = pages;
    this.#times = times;
    this.#events = events;
    this.#tall = element('div', { class: 'tall', role: 'presentation' });
    this.#view = element('div', { class: 'rows', role: 'rowgroup', tabIndex: -1 }, this.#tall);
    const heads = COLUMNS.map((name) => element('div', { class: 'cell', role: 'columnheader' }, name));
    const head = element('div', { class: 'row head', role: 'row', attributes: { 'aria-rowindex': '1' } }, ...heads);
    this.element = element(
      'div',
      { class: 'grid', role: 'grid', attributes: { 'aria-label': 'Audit events, newest first', 'aria-colcount': String(COLUMNS.length) } },
      element('div', { class: 'heads', role: 'rowgroup' }, head),
      this.#view,
    );
    this.#view.addEventListener('scroll', () => this.draw(), { passive: true });
    this.#view.addEventListener('keydown', (event) => this.#key(event));
    this.#view.addEventListener('click', (event) => this.#click(event));
    new ResizeObserver(() => this.draw()).observe(this.#view);
  }

  /** Nothing is to move: the person has scrolled away, or moves through the rows by keyboard. */
  get reading(): boolean {
    const stepped = this.#active !== undefined && this.#pages.rowOf(this.#active) > 0;
    return this.#top() > 1 || (stepped && this.#view.contains(document.activeElement));
  }

  /** Place of the first row in view; undefined at the newest. */
  get place(): number | undefined {
    const top = this.#top();
    return top < 1 ? undefined : this.#pages.placeOf(Math.floor(top / ROW_HEIGHT));
  }

  /** Other events, from the top. */
  replace(pages: EventPages): void {
    this.#pages = pages;
    this.#active = undefined;
    this.#scroll(0);
    this.draw();
  }

  select(event: AuditEvent | undefined): void {
    this.#selected = event ? keyOf(event) : undefined;
    this.draw();
  }

  toTop(): void {
    this.#scroll(0);
    this.draw();
  }

  /** Puts the event with this place on top. */
  toPlace(place: number): void {
    this.#measure();
    this.#scroll(this.#pages.rowOf(place) * ROW_HEIGHT);
    this.draw();
  }

  focus(): void {
    this.#move(this.#active === undefined ? 0 : this.#pages.rowOf(this.#active));
  }

  draw(): void {
    this.#measure();
    const top = this.#top();
    const span = inView(top, this.#geometry, MORE);
    const active = this.#activeRow(top);
    this.#carryOver(span, active);
    for (const [row, view] of this.#rows) {
      if ((row < span.first || row >= span.end) && row !== active) this.#free(row, view);
    }
    const shift = this.#view.scrollTop - top;
    // From the last to the first, so that each is put before the one that follows it: read aloud, the order is that of the eye.
    if (active !== undefined && active >= span.end) this.#show(active, shift, true);
    for (let row = span.end - 1; row >= span.first; row--) this.#show(row, shift, row === active);
    if (active !== undefined && active < span.first) this.#show(active, shift, true, this.#rows.get(span.first));
    const { first, end } = inView(top, this.#geometry);
    this.#events.seen(first, end);
  }

  /** After a jump, where nothing stays in view, the same elements show the other rows: to take out and put in costs more than a frame. */
  #carryOver({ first, end }: Span, active: number | undefined): void {
    const stays = (row: number) => (row >= first && row < end) || row === active;
    if ([...this.#rows.keys()].some(stays)) return;
    // In their order on the page, which is that of the eye.
    const views = [...this.#rows].sort(([a], [b]) => a - b).slice(0, end - first);
    for (const [row] of views) this.#rows.delete(row);
    for (const [index, [, view]] of views.entries()) this.#rows.set(first + index, view);
  }

  #measure(): void {
    const rows = this.#pages.shown;
    const view = this.#view.clientHeight;
    if (rows === this.#geometry.rows && view === this.#geometry.view) return;
    this.#geometry = { rows, rowHeight: ROW_HEIGHT, view };
    this.#tall.style.height = `${scrolled(this.#geometry)}px`;
    this.element.setAttribute('aria-rowcount', String(rows + 1));
  }

  #top(): number {
    const { scrollTop } = this.#view;
    if (this.#jump && Math.abs(this.#jump.scrollTop - scrollTop) < 1) return this.#jump.top;
    this.#jump = undefined;
    return toReal(scrollTop, this.#geometry);
  }

  #scroll(top: number): void {
    this.#view.scrollTop = toScroll(top, this.#geometry);
    const exact = Math.max(0, Math.min(top, this.#geometry.rows * ROW_HEIGHT - this.#geometry.view));
    this.#jump = { scrollTop: this.#view.scrollTop, top: exact };
  }

  #activeRow(top: number): number | undefined {
    if (this.#pages.shown === 0) return undefined;
    if (this.#active === undefined) return Math.min(this.#pages.shown - 1, Math.ceil(top / ROW_HEIGHT));
    return Math.min(this.#pages.shown - 1, Math.max(0, this.#pages.rowOf(this.#active)));
  }

  #show(row: number, shift: number, active: boolean, before = this.#rows.get(row + 1)): void {
    const view = this.#rows.get(row) ?? this.#take(row, before);
    view.element.style.transform = `translateY(${row * ROW_HEIGHT + shift}px)`;
    view.element.tabIndex = active ? 0 : -1;
    const event = this.#pages.at(row);
    const key = event ? keyOf(event) : 'waiting';
    const selected = key === this.#selected;
    const shows = `${row} ${this.#pages.shown} ${key} ${selected}`;
    if (view.shows === shows) return;
    view.shows = shows;
    view.element.setAttribute('aria-rowindex', String(row + 2));
    view.element.setAttribute('aria-selected', String(selected));
    view.element.classList.toggle('odd', this.#pages.placeOf(row) % 2 === 1);
    this.#fill(view, event);
  }

  #fill(view: RowView, event: AuditEvent | undefined): void {
    const model = event && rowOf(event, this.#times);
    view.element.setAttribute('aria-label', model?.label ?? 'Loading');
    view.element.setAttribute('aria-busy', String(!model));
    view.mark.dataset['tone'] = model?.tone ?? '';
    const texts = model ? [model.time, model.kind, model.person, model.resource, model.text] : ['…', '', '', '', ''];
    for (const [index, cell] of view.cells.entries()) cell.textContent = texts[index] ?? '';
    view.element.title = model?.text ?? '';
  }

  #take(row: number, before: RowView | undefined): RowView {
    const view = this.#spare.pop() ?? this.#make();
    this.#rows.set(row, view);
    this.#tall.insertBefore(view.element, before?.element ?? null);
    return view;
  }

  #make(): RowView {
    const mark = element('span', { class: 'mark', attributes: { 'aria-hidden': 'true' } });
    const cells = COLUMNS.map((_, index) => element(index === 1 ? 'span' : 'div', index === 1 ? {} : { class: 'cell', role: 'gridcell' }));
    const boxes = cells.map((cell, index) => (index === 1 ? element('div', { class: 'cell kind', role: 'gridcell' }, mark, cell) : cell));
    return { element: element('div', { class: 'row', role: 'row', tabIndex: -1 }, ...boxes), cells, mark, shows: '' };
  }

  #free(row: number, view: RowView): void {
    this.#rows.delete(row);
    view.element.remove();
    this.#spare.push(view);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const row = this.#activeRow(this.#top());
    if (row === undefined) return;
    const to = rowAfter(event.key, row, this.#geometry);
    if (to !== undefined) this.#move(to);
    else if (event.key === 'Enter' || event.key === ' ') this.#choose(row);
    else return;
    event.preventDefault();
  }

  #move(row: number): void {
    if (this.#pages.shown === 0) return;
    this.#active = this.#pages.placeOf(row);
    const top = this.#top();
    const to = reveal(row, top, this.#geometry);
    if (to !== top) this.#scroll(to);
    this.draw();
    this.#rows.get(row)?.element.focus({ preventScroll: true });
  }

  #click(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target.closest('.row') : null;
    const row = [...this.#rows].find(([, view]) => view.element === target)?.[0];
    if (row === undefined) return;
    this.#move(row);
    this.#choose(row);
  }

  #choose(row: number): void {
    const event = this.#pages.at(row);
    if (event) this.#events.chosen(event, this.#pages.placeOf(row));
  }
}
