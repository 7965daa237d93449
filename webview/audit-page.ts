import type { AuditFilter } from '../protocol/audit.ts';
import { type Cancel, type Clock, type Instant, SECOND } from '../protocol/clock.ts';
import type { PanelContact } from '../protocol/panel.ts';
import { Announcer } from './announcer.ts';
import { type Channel, type Push, UNREADABLE } from './channel.ts';
import { element } from './element.ts';
import { FilterBar } from './filter-bar.ts';
import { countWords, RecordView } from './record-view.ts';
import { SidePane } from './side-pane.ts';
import type { Times } from './times.ts';
import { oneLine } from './visible-text.ts';

/** The lists of the filter are asked for again when they are older than this. */
const FACETS_FOR = 10 * SECOND;
/** Time after the last scrolling before the place is kept. */
const PAUSE = 200;

/** The whole page: filter bar, rows and the pane beside them, and what goes between them and the extension. */
export class AuditPage {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #bar: FilterBar;
  readonly #record: RecordView;
  readonly #pane: SidePane;
  readonly #body: HTMLElement;
  #filter: AuditFilter = {};
  #contact: PanelContact = { state: 'connecting' };
  #facetsAt: Instant = Number.NEGATIVE_INFINITY;
  #saving: Cancel = () => undefined;

  constructor(root: HTMLElement, channel: Channel, clock: Clock, times: Times) {
    this.#channel = channel;
    this.#clock = clock;
    const announcer = new Announcer(clock);
    this.#bar = new FilterBar(clock, {
      changed: (filter) => this.#filterBy(filter),
      opened: () => void this.#facets(),
      save: () => void this.#export(),
    });
    this.#record = new RecordView(channel, times, announcer, {
      chosen: (selected) => this.#pane.choose(selected),
      scrolled: () => this.#save(),
      clear: () => this.#setFilter({}),
      retry: () => channel.watch(this.#filter),
    });
    this.#pane = new SidePane(channel, clock, times, announcer, {
      changed: () => this.#drawBeside(),
      closed: () => this.#record.focus(),
      only: (filter) => this.#setFilter(filter),
    });
    this.#body = element('main', { class: 'body' }, this.#record.element, this.#pane.element);
    root.replaceChildren(this.#bar.element, this.#record.banner, this.#body, announcer.element);
  }

  start(): void {
    const view = this.#channel.restored();
    this.#filter = view?.filter ?? {};
    this.#bar.show(this.#filter);
    this.#record.restore(this.#filter, view?.place);
    this.#channel.listen((push) => this.#pushed(push));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#channel.watch(this.#filter);
    });
    this.#channel.watch(this.#filter);
    if (view) this.#pane.restore(view);
    void this.#facets();
  }

  #pushed(push: Push): void {
    switch (push.type) {
      case 'contact':
        this.#contacted(push.contact);
        break;
      case 'show':
        this.#setFilter({ grantId: push.grantId });
        this.#pane.tell({ grantId: push.grantId });
        break;
      case 'unreadable':
        this.#record.failed(UNREADABLE);
        break;
      case 'live':
        this.#record.live(push.filter, push.total, push.newest);
        this.#pane.refresh();
    }
  }

  #contacted(contact: PanelContact): void {
    const back = contact.state === 'connected' && this.#contact.state !== 'connected';
    this.#contact = contact;
    this.#record.setContact(contact);
    this.#pane.setContact(contact.state === 'connected');
    if (back) void this.#facets();
  }

  /** A filter that did not come from the bar. */
  #setFilter(filter: AuditFilter): void {
    this.#bar.show(filter);
    this.#filterBy(filter);
  }

  #filterBy(filter: AuditFilter): void {
    this.#filter = filter;
    this.#record.filterBy(filter);
    this.#channel.watch(filter);
  }

  async #facets(): Promise<void> {
    if (this.#clock.boot() - this.#facetsAt < FACETS_FOR) return;
    this.#facetsAt = this.#clock.boot();
    const reply = await this.#channel.ask('facets', {});
    if (reply.ok) this.#bar.offer(reply.value);
    else this.#facetsAt = Number.NEGATIVE_INFINITY;
  }

  async #export(): Promise<void> {
    this.#record.note('');
    const reply = await this.#channel.ask('export', { filter: this.#filter });
    if (!reply.ok) this.#record.note(`Nothing was exported. ${oneLine(reply.problem)}`);
    else if (reply.value.saved) this.#record.note(`${countWords(reply.value.saved.events)} exported to ${oneLine(reply.value.saved.file)}`);
  }

  #drawBeside(): void {
    this.#body.classList.toggle('split', !this.#pane.element.hidden);
    this.#record.select(this.#pane.selected?.event);
    this.#save();
  }

  /** Once scrolling has paused. */
  #save(): void {
    this.#saving();
    this.#saving = this.#clock.after(PAUSE, () => {
      const { selected, storyOf: story } = this.#pane;
      this.#channel.save({ filter: this.#filter, place: this.#record.place, selected, story });
    });
  }
}
