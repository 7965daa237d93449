import * as v from 'valibot';
import type { AuditEvent, AuditFilter } from '../../protocol/audit.ts';
import type { Cancel, Clock, Millis } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { GrantId } from '../../protocol/ids.ts';
import { type HostMessage, PANEL, PageMessage, type PanelAsk, type PanelContact, type PanelParams } from '../../protocol/panel.ts';
import type { DaemonState } from '../../protocol/state.ts';
import { exportEvents, type SaveFile } from './export.ts';
import { createPace } from './pace.ts';
import type { AskDaemon } from './record.ts';
import { readStory } from './story.ts';

/** What the panel needs of the extension. */
export interface AuditSource {
  ask: AskDaemon;
  /** Told of each event as it is recorded. */
  onAudit(listener: (event: AuditEvent) => void): Cancel;
  /** Told at once how contact with the daemon stands, and whenever it changes. */
  onContact(listener: (contact: PanelContact) => void): Cancel;
  /** Told whenever a grant or request changed. */
  onState(listener: () => void): Cancel;
  /** As last known; undefined before the first contact. */
  state(): DaemonState | undefined;
  clock: Clock;
  /** Of this extension. */
  version: string;
  /** A mistake of ours, for the log. */
  report(error: unknown): void;
}

/** The page, as the editor shows it. A hidden one receives nothing. */
export interface PagePort {
  post(message: HostMessage): void;
  onMessage(listener: (message: unknown) => void): Cancel;
  visible(): boolean;
  /** The page is gone; it loads anew when visible again. */
  onHidden(listener: () => void): Cancel;
}

/** The newest events pushed with each change: more than fit on a screen. */
const NEWEST = 60;
/** Between two pushes. With the time of the question it stays below the 250 ms in which a change must be seen. */
const GATHER: Millis = 150;

/** The extension's side of one page: answers what it asks, and pushes what it shows whenever that changes. */
export class PanelPage {
  readonly #port: PagePort;
  readonly #source: AuditSource;
  readonly #saveFile: SaveFile;
  readonly #ask: AskDaemon;
  readonly #cancels: Cancel[];
  #watched: AuditFilter | undefined;
  #show: GrantId | undefined;
  #contact: PanelContact = { state: 'connecting' };
  #pushing = false;
  #again = false;
  #wait: Cancel = () => undefined;
  #closed = false;

  constructor(port: PagePort, source: AuditSource, saveFile: SaveFile) {
    this.#port = port;
    this.#source = source;
    this.#saveFile = saveFile;
    const turn = createPace(source.clock);
    this.#ask = async (method, params) => {
      await turn();
      return source.ask(method, params);
    };
    this.#cancels = [
      port.onMessage((message) => this.#heard(message)),
      port.onHidden(() => {
        this.#watched = undefined;
      }),
      source.onAudit(() => this.#changed()),
      source.onState(() => this.#changed()),
      source.onContact((contact) => this.#contacted(contact)),
    ];
  }

  /** *Show in audit*: at once, or as soon as the page has loaded. */
  show(grantId: GrantId): void {
    this.#show = grantId;
    if (this.#watched) this.#tellWhatToShow();
  }

  close(): void {
    this.#closed = true;
    this.#wait();
    for (const cancel of this.#cancels) cancel();
  }

  #heard(data: unknown): void {
    const parsed = v.safeParse(PageMessage, data);
    if (!parsed.success) return;
    const message = parsed.output;
    if (message.type === 'ask') return void this.#answer(message.id, message.ask, message.params);
    this.#watched = message.filter;
    this.#post({ type: 'contact', contact: this.#contact });
    this.#tellWhatToShow();
    this.#changed();
  }

  #tellWhatToShow(): void {
    if (this.#show === undefined || !this.#port.visible()) return;
    this.#post({ type: 'show', grantId: this.#show });
    this.#show = undefined;
  }

  async #answer(id: number, ask: PanelAsk, params: unknown): Promise<void> {
    try {
      this.#post({ type: 'answer', id, ok: true, value: await this.#value(ask, params) });
    } catch (error) {
      if (!(error instanceof Fault)) this.#source.report(error);
      this.#post({ type: 'refused', id, problem: wordsFor(error) });
    }
  }

  async #value(ask: PanelAsk, params: unknown): Promise<unknown> {
    const parsed = v.safeParse(PANEL[ask].params, params);
    if (!parsed.success) throw new Fault('protocol-violation', `The panel asked for something unknown: ${v.summarize(parsed.issues)}`);
    switch (ask) {
      case 'query':
        return this.#ask('audit.query', parsed.output as PanelParams<'query'>);
      case 'facets':
        return this.#ask('audit.facets', {});
      case 'story':
        return readStory(this.#ask, parsed.output as PanelParams<'story'>, this.#source.state());
      case 'export':
        return exportEvents(this.#ask, (parsed.output as PanelParams<'export'>).filter, this.#saveFile, this.#source.version);
    }
  }

  #contacted(contact: PanelContact): void {
    this.#contact = contact;
    this.#post({ type: 'contact', contact });
    if (contact.state === 'connected') this.#changed();
  }

  /** Pushes at once, then at most once per `GATHER`. */
  #changed(): void {
    if (this.#pushing) this.#again = true;
    else void this.#push();
  }

  async #push(): Promise<void> {
    this.#pushing = false;
    if (!this.#watched || this.#closed || !this.#port.visible()) return;
    this.#pushing = true;
    this.#again = false;
    const filter = this.#watched;
    try {
      const { total, events } = await this.#ask('audit.query', { filter, offset: 0, limit: NEWEST });
      if (filter === this.#watched) this.#post({ type: 'live', filter, total, newest: events });
    } catch (error) {
      // When contact was lost the page is told so, and gets everything anew when contact is back.
      if (!(error instanceof Fault)) this.#source.report(error);
    }
    if (filter !== this.#watched) return this.#push();
    if (this.#closed) return;
    this.#wait = this.#source.clock.after(GATHER, () => {
      this.#pushing = false;
      if (this.#again) this.#changed();
    });
  }

  #post(message: HostMessage): void {
    if (!this.#closed && this.#port.visible()) this.#port.post(message);
  }
}

/** Public words. The rest is for the log. */
function wordsFor(error: unknown): string {
  if (!(error instanceof Fault)) return 'The extension made a mistake. Its log has the details.';
  return error.wayOut ? `${error.message}. ${error.wayOut}` : error.message;
}
