import type { AuditEvent } from '../protocol/audit.ts';
import type { Client } from '../protocol/client.ts';
import type { Cancel } from '../protocol/clock.ts';
import { Fault } from '../protocol/fault.ts';
import type { GrantId } from '../protocol/ids.ts';
import type { Method, Params, Result } from '../protocol/messages.ts';
import type { PanelContact } from '../protocol/panel.ts';
import type { DaemonState, Numbered } from '../protocol/state.ts';
import type { Link } from './link.ts';
import { mine, type View } from './view.ts';

export type ViewListener = (after: View, before: View) => void;

/** The one place where the editor keeps what it knows. Screens are drawn from its views, and only when they change. */
export class Store {
  #view: View;
  #client: Client | undefined;
  readonly #turn: () => Promise<void>;
  readonly #views = new Set<ViewListener>();
  readonly #audits = new Set<(event: AuditEvent) => void>();

  /** @param turn Resolves when the next message may go to the daemon. */
  constructor(heldBefore: boolean, turn: () => Promise<void>) {
    this.#view = { link: { state: 'connecting' }, state: undefined, asked: new Set(), heldBefore };
    this.#turn = turn;
  }

  get view(): View {
    return this.#view;
  }

  /** A new link, with the client whose state is shown from now on. */
  setLink(link: Link, client: Client | undefined): void {
    this.#client = client;
    const heldBefore = this.#view.heldBefore || mine(this.#view).length > 0;
    const known = client ? { state: client.state, heldBefore: heldBefore && !isComplete(client.state), asked: NONE } : {};
    client?.onChange((numbered) => {
      if (this.#client === client) this.#take(client, numbered);
    });
    this.#set({ ...this.#view, ...known, link });
  }

  /**
   * Asks the daemon.
   * @throws Fault `timed-out` when not connected.
   */
  readonly ask = async <M extends Method>(method: M, params: Params<M>): Promise<Result<M>> => {
    await this.#turn();
    const client = this.#client;
    if (!client) throw new Fault('timed-out', 'Not connected to the Portcullis daemon', { retryable: true });
    return client.call(method, params);
  };

  /** Shows these as being revoked before the daemon says so; undone by what is returned, when it refuses. */
  askedToRevoke(grants: readonly GrantId[]): Cancel {
    this.#set({ ...this.#view, asked: new Set([...this.#view.asked, ...grants]) });
    return () => this.#set({ ...this.#view, asked: new Set([...this.#view.asked].filter((id) => !grants.includes(id))) });
  }

  onChange(listener: ViewListener): Cancel {
    this.#views.add(listener);
    return () => void this.#views.delete(listener);
  }

  /** Told at once how contact with the daemon stands, and whenever that changes. */
  onContact(listener: (contact: PanelContact) => void): Cancel {
    listener(contactOf(this.#view.link));
    return this.onChange((after, before) => {
      if (after.link !== before.link) listener(contactOf(after.link));
    });
  }

  /** Events of the record, as they happen. */
  onAudit(listener: (event: AuditEvent) => void): Cancel {
    this.#audits.add(listener);
    return () => void this.#audits.delete(listener);
  }

  #take(client: Client, numbered: Numbered | undefined): void {
    const change = numbered?.change;
    if (change?.type === 'audit') {
      for (const listener of this.#audits) listener(change.event);
      return;
    }
    const state = client.state;
    // From here on the daemon's own word counts.
    const asked = [...this.#view.asked].filter((id) => state.grants[id]?.state !== 'revoking' && state.grants[id] !== undefined);
    const heldBefore = this.#view.heldBefore && !isComplete(state);
    this.#set({ ...this.#view, state, heldBefore, asked: asked.length === this.#view.asked.size ? this.#view.asked : new Set(asked) });
  }

  #set(after: View): void {
    const before = this.#view;
    this.#view = after;
    // Others may leave or come while they are told: only who was there, and still is, hears of this change.
    for (const listener of [...this.#views]) if (this.#views.has(listener)) listener(after, before);
  }
}

/** A daemon that has just started learns from its journal and from central what is held: until then it does not know. */
const isComplete = ({ central, heldUnknown, unhealthy }: DaemonState): boolean =>
  (heldUnknown === undefined || unhealthy === undefined) && (central.state === 'connected' || central.state === 'not used');

function contactOf(link: Link): PanelContact {
  switch (link.state) {
    case 'connected':
    case 'connecting':
      return { state: link.state };
    case 'lost':
      return { state: 'lost', problem: 'Contact with the daemon is lost. It is being started again.' };
    case 'absent':
      return { state: 'lost', problem: link.problem };
  }
}

const NONE: ReadonlySet<GrantId> = new Set();
