import type { AuditEvent } from '../protocol/audit.ts';
import { PAGE_ROWS } from '../protocol/panel.ts';

/** Pages kept: 2,000 rows. */
const KEPT = 10;

export const keyOf = ({ source, seq }: Pick<AuditEvent, 'source' | 'seq'>): string => `${source}:${seq}`;

export interface Wanted {
  offset: number;
  limit: number;
}

/**
 * The part of the record that the page holds, newest first.
 * A *row* counts from the newest shown event; a *place* counts from the oldest and stays with its event while others are recorded.
 * New events are counted at once and shown when `follow` is called, so that nothing moves under the reader's eyes.
 */
export class EventPages {
  #total = 0;
  #shown = 0;
  #known = false;
  /** Page number (place / PAGE_ROWS) → its events by place; the last used page is last. */
  readonly #pages = new Map<number, (AuditEvent | undefined)[]>();

  /** Rows to show. */
  get shown(): number {
    return this.#shown;
  }

  /** Events that came since and are not shown yet. */
  get fresh(): number {
    return this.#total - this.#shown;
  }

  /** False until something has been heard of this filter. */
  get known(): boolean {
    return this.#known;
  }

  get held(): number {
    return [...this.#pages.values()].reduce((sum, page) => sum + page.filter(Boolean).length, 0);
  }

  placeOf(row: number): number {
    return this.#shown - 1 - row;
  }

  rowOf(place: number): number {
    return this.#shown - 1 - place;
  }

  at(row: number): AuditEvent | undefined {
    const place = this.placeOf(row);
    return row < 0 || place < 0 ? undefined : this.#pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS];
  }

  /** Shows all that is known. */
  follow(): void {
    this.#shown = this.#total;
  }

  /** What to ask for next, so that the rows from `first` up to `end` can be shown. The middle of the view comes first. */
  wanted(first: number, end: number): Wanted | undefined {
    const middle = Math.floor((first + end) / 2);
    const rows = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
    const missing = rows.filter((row) => row < this.#shown && !this.at(row)).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    const row = missing[0];
    if (row === undefined) return undefined;
    const oldest = Math.floor(this.placeOf(row) / PAGE_ROWS) * PAGE_ROWS;
    const newest = Math.min(oldest + PAGE_ROWS, this.#total) - 1;
    return { offset: this.#total - 1 - newest, limit: newest - oldest + 1 };
  }

  /** Takes an answer to what was wanted. It may be older than what was pushed meanwhile. */
  put(offset: number, total: number, events: readonly AuditEvent[]): void {
    this.#take(offset, total, Math.max(total, this.#total), events);
  }

  /** Takes the newest events, as pushed. True when the record is not what it was thought to be: all of it is wanted again. */
  push(total: number, newest: readonly AuditEvent[]): boolean {
    if (total >= this.#total) return this.#take(0, total, total, newest);
    this.#pages.clear();
    this.#take(0, total, total, newest);
    return true;
  }

  /** Events that were recorded late have moved others from their places: what is held is dropped. */
  #take(offset: number, counted: number, total: number, events: readonly AuditEvent[]): boolean {
    const first = !this.#known;
    const moved = events.some((event, index) => this.#differs(counted - 1 - offset - index, event));
    if (moved) this.#pages.clear();
    this.#known = true;
    this.#total = total;
    this.#shown = first ? total : Math.min(this.#shown, total);
    for (const [index, event] of events.entries()) this.#keep(counted - 1 - offset - index, event);
    this.#drop();
    return moved;
  }

  #differs(place: number, event: AuditEvent): boolean {
    const held = this.#pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS];
    return held !== undefined && keyOf(held) !== keyOf(event);
  }

  #keep(place: number, event: AuditEvent): void {
    if (place < 0) return;
    const number = Math.floor(place / PAGE_ROWS);
    const page = this.#pages.get(number) ?? [];
    page[place % PAGE_ROWS] = event;
    this.#pages.delete(number);
    this.#pages.set(number, page);
  }

  #drop(): void {
    for (const number of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) return;
      this.#pages.delete(number);
    }
  }
}
