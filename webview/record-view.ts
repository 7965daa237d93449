import { type AuditEvent, type AuditFilter, canonicalJson } from '../protocol/audit.ts';
import type { PanelContact } from '../protocol/panel.ts';
import type { Announcer } from './announcer.ts';
import type { Channel } from './channel.ts';
import { button } from './components.ts';
import { element } from './element.ts';
import { EventList } from './event-list.ts';
import { EventPages } from './event-pages.ts';
import { contactWords, type Emptiness, emptiness } from './notice.ts';
import type { Selected } from './side-pane.ts';
import type { Times } from './times.ts';

export interface RecordEvents {
  chosen(selected: Selected): void;
  scrolled(): void;
  clear(): void;
  /** Asks for the newest again. */
  retry(): void;
}

/** The rows and all that is said about them: how many, how many new ones, or why there are none. */
export class RecordView {
  readonly element: HTMLElement;
  readonly banner: HTMLElement;
  readonly #channel: Channel;
  readonly #announcer: Announcer;
  readonly #events: RecordEvents;
  readonly #list: EventList;
  readonly #bannerText = element('span', { role: 'alert' });
  readonly #bannerRetry = button('Retry', () => this.#retry());
  readonly #empty = element('div', { class: 'instead' });
  readonly #fresh: HTMLElement;
  readonly #freshText = element('span');
  readonly #count = element('span', { class: 'count' });
  readonly #note = element('span', { class: 'note', role: 'status' });
  #filter: AuditFilter = {};
  #pages = new EventPages();
  #asking = false;
  #problem: string | undefined;
  #contact: PanelContact = { state: 'connecting' };
  /** Place to return to once the record is there. */
  #restore: number | undefined;

  constructor(channel: Channel, times: Times, announcer: Announcer, events: RecordEvents) {
    this.#channel = channel;
    this.#announcer = announcer;
    this.#events = events;
    this.#list = new EventList(this.#pages, times, {
      seen: (first, end) => this.#seen(first, end),
      chosen: (event, place) => events.chosen({ event, place }),
    });
    const follow = button('', () => this.#follow(), { appearance: 'primary', class: 'fresh-button' });
    follow.append(this.#freshText);
    this.#fresh = element('div', { class: 'fresh', hidden: true }, follow);
    const foot = element('div', { class: 'foot quiet' }, this.#count, this.#note);
    const label = { 'aria-label': 'Events' };
    this.element = element('section', { class: 'events', attributes: label }, this.#list.element, this.#empty, this.#fresh, foot);
    this.banner = element('div', { class: 'banner', hidden: true }, this.#bannerText, this.#bannerRetry);
  }

  /** Place of the first row in view; undefined at the newest. */
  get place(): number | undefined {
    return this.#restore ?? this.#list.place;
  }

  restore(filter: AuditFilter, place: number | undefined): void {
    this.#filter = filter;
    this.#restore = place;
    this.draw();
  }

  filterBy(filter: AuditFilter): void {
    this.#filter = filter;
    this.#problem = undefined;
    this.#restore = undefined;
    this.#pages = new EventPages();
    this.#list.replace(this.#pages);
    this.draw();
  }

  /** How many match now, and the newest of them. */
  live(filter: AuditFilter, total: number, newest: AuditEvent[]): void {
    if (canonicalJson(filter) !== canonicalJson(this.#filter)) return;
    const reading = this.#list.reading;
    if (!this.#pages.known) this.#announcer.say(countWords(total));
    this.#pages.push(total, newest);
    this.#problem = undefined;
    if (!reading && this.#restore === undefined) this.#pages.follow();
    if (this.#pages.fresh > 0) this.#announcer.sometimes(newEvents(this.#pages.fresh));
    this.draw();
    // Only a list that is shown can be scrolled.
    if (this.#restore !== undefined) this.#list.toPlace(this.#restore);
    this.#restore = undefined;
  }

  setContact(contact: PanelContact): void {
    if (contact.state === 'connected') this.#problem = undefined;
    this.#contact = contact;
    this.draw();
  }

  failed(problem: string): void {
    this.#problem = problem;
    this.draw();
  }

  note(text: string): void {
    this.#note.textContent = text;
    this.#note.title = text;
  }

  select(event: AuditEvent | undefined): void {
    this.#list.select(event);
  }

  focus(): void {
    this.#list.focus();
  }

  draw(): void {
    const state = this.#emptiness();
    this.#list.element.classList.toggle('away', state !== undefined);
    this.#drawEmpty(state);
    this.#drawBanner();
    const { fresh, shown, known } = this.#pages;
    this.#fresh.hidden = fresh === 0;
    this.#freshText.textContent = newEvents(fresh);
    this.#count.textContent = known ? countWords(shown) : '';
    this.#list.draw();
  }

  #drawEmpty(state: Emptiness | undefined): void {
    this.#empty.hidden = state === undefined;
    const key = JSON.stringify(state ?? '');
    if (this.#empty.dataset['state'] === key) return;
    this.#empty.dataset['state'] = key;
    const acts = { retry: () => this.#retry(), clear: () => this.#events.clear() };
    this.#empty.replaceChildren(...(state ? [emptiness(state, acts)] : []));
  }

  #emptiness(): Emptiness | undefined {
    if (this.#problem !== undefined && !this.#pages.held) return { kind: 'problem', problem: this.#problem };
    if (!this.#pages.known) return this.#contact.state === 'lost' ? { kind: 'lost', problem: this.#contact.problem } : { kind: 'loading' };
    return this.#pages.shown === 0 ? { kind: 'nothing', filtered: Object.keys(this.#filter).length > 0 } : undefined;
  }

  #drawBanner(): void {
    const lost = this.#pages.known ? contactWords(this.#contact) : undefined;
    const partly = this.#problem !== undefined && this.#pages.held > 0 ? `Some events could not be read. ${this.#problem}` : undefined;
    const words = lost ?? partly ?? '';
    this.banner.hidden = words === '';
    if (this.#bannerText.textContent !== words) this.#bannerText.textContent = words;
    this.#bannerRetry.hidden = lost !== undefined;
  }

  #retry(): void {
    this.#problem = undefined;
    this.#events.retry();
    this.draw();
  }

  #follow(): void {
    this.#pages.follow();
    this.#list.toTop();
    this.#list.focus();
    this.draw();
  }

  #seen(first: number, end: number): void {
    this.#events.scrolled();
    if (!this.#asking && this.#problem === undefined) void this.#read(first, end);
  }

  /** One question at a time: what was scrolled past meanwhile is never asked for. */
  async #read(first: number, end: number): Promise<void> {
    const pages = this.#pages;
    const wanted = pages.wanted(first, end);
    if (!wanted) return;
    this.#asking = true;
    const reply = await this.#channel.ask('query', { filter: this.#filter, ...wanted });
    this.#asking = false;
    if (pages === this.#pages) {
      if (reply.ok) pages.put(wanted.offset, reply.value.total, reply.value.events);
      else this.#problem = reply.problem;
      // Asked again, it would say the same.
      const same = reply.ok && canonicalJson(pages.wanted(first, end)) === canonicalJson(wanted);
      if (same) this.#problem = 'The daemon counts more events than it gives.';
    }
    this.draw();
  }
}

const number = new Intl.NumberFormat('en-GB');
export const countWords = (count: number): string => (count === 1 ? '1 event' : `${number.format(count)} events`);
const newEvents = (count: number): string => (count === 1 ? '1 new event' : `${number.format(count)} new events`);
