import type { AuditEvent, AuditFilter } from '../protocol/audit.ts';
import { type Cancel, type Clock, MINUTE } from '../protocol/clock.ts';
import type { Story, StoryOf } from '../protocol/panel.ts';
import type { Announcer } from './announcer.ts';
import type { Channel, View } from './channel.ts';
import { details } from './details.ts';
import { element } from './element.ts';
import { story } from './story.ts';
import { type StoryModel, storyOf } from './story-model.ts';
import type { Times } from './times.ts';

export type Selected = NonNullable<View['selected']>;

export interface PaneEvents {
  /** Something else is shown in it, or nothing. */
  changed(): void;
  closed(): void;
  only(filter: AuditFilter): void;
}

/** Beside the rows: the details of one event, or the story of one grant. */
export class SidePane {
  readonly element = element('section', { class: 'pane', hidden: true, tabIndex: -1 });
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #times: Times;
  readonly #announcer: Announcer;
  readonly #events: PaneEvents;
  #selected: Selected | undefined;
  #of: StoryOf | undefined;
  #story: Story | undefined;
  #problem: string | undefined;
  #inContact = true;
  #reading = false;
  #readAgain = false;
  /** What is shown of the story: it is drawn anew only when that changes, and keeps focus and selected text until then. */
  #told = '';
  #tick: Cancel = () => undefined;

  constructor(channel: Channel, clock: Clock, times: Times, announcer: Announcer, events: PaneEvents) {
    this.#channel = channel;
    this.#clock = clock;
    this.#times = times;
    this.#announcer = announcer;
    this.#events = events;
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  get selected(): Selected | undefined {
    return this.#selected;
  }

  get storyOf(): StoryOf | undefined {
    return this.#of;
  }

  restore({ selected, story: of }: Pick<View, 'selected' | 'story'>): void {
    this.#selected = selected;
    if (of) this.tell(of);
    else this.#draw();
  }

  choose(selected: Selected): void {
    this.#selected = selected;
    this.#of = undefined;
    this.#draw();
  }

  tell(of: StoryOf): void {
    this.#of = of;
    this.#story = undefined;
    this.#problem = undefined;
    this.#told = '';
    this.#draw();
    this.refresh();
  }

  close(): void {
    this.#of = undefined;
    this.#selected = undefined;
    this.#draw();
    this.#events.closed();
  }

  /** Something was recorded: the story may have gone on. */
  refresh(): void {
    this.#readAgain = true;
    if (!this.#reading) void this.#read();
  }

  setContact(inContact: boolean): void {
    this.#inContact = inContact;
    this.#retell();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#of && this.#readAgain) {
      this.#readAgain = false;
      const of = this.#of;
      const reply = await this.#channel.ask('story', of);
      if (of !== this.#of) continue;
      this.#problem = reply.ok ? undefined : reply.problem;
      if (reply.ok) this.#story = reply.value;
      if (this.#story) this.#retell();
      else this.#draw();
    }
    this.#reading = false;
  }

  #retell(): void {
    if (!this.#of || !this.#story) return;
    const model = this.#model(this.#story);
    const told = JSON.stringify(model);
    if (told === this.#told) return;
    this.#told = told;
    this.#announcer.say(`${model.title}: ${model.standing}`);
    this.#draw();
  }

  #model(told: Story): StoryModel {
    return storyOf(told, this.#times, this.#clock.now(), this.#inContact);
  }

  #draw(): void {
    const focused = this.element.contains(document.activeElement);
    const drawn = this.#body();
    this.element.hidden = drawn === undefined;
    this.element.setAttribute('aria-label', this.#of ? 'Story' : 'Details');
    this.element.replaceChildren(...(drawn ? [drawn] : []));
    if (focused && drawn) this.element.focus();
    this.#keepTime();
    this.#events.changed();
  }

  #body(): HTMLElement | undefined {
    if (this.#of) {
      if (!this.#story) {
        const words = this.#problem === undefined ? 'Loading the story…' : `The story could not be read. ${this.#problem}`;
        return element('div', { class: 'pane-body quiet' }, words);
      }
      const place = this.#selected?.place ?? 0;
      return story(this.#model(this.#story), { chosen: (event: AuditEvent) => this.choose({ event, place }), close: () => this.close() });
    }
    if (!this.#selected) return undefined;
    return details(this.#selected.event, this.#times, this.#clock.now(), {
      story: (of) => this.tell(of),
      only: (filter) => this.#events.only(filter),
      close: () => this.close(),
    });
  }

  /** Time left is in whole minutes; it is looked at often enough that a minute is never shown for long after it has passed. */
  #keepTime(): void {
    this.#tick();
    if (!this.#of) return;
    this.#tick = this.#clock.after(MINUTE / 6, () => {
      this.#retell();
      this.#keepTime();
    });
  }
}
