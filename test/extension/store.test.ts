import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Store } from '../../extension/store.ts';
import { mine, type View } from '../../extension/view.ts';
import type { AuditEvent } from '../../protocol/audit.ts';
import type { Client } from '../../protocol/client.ts';
import { type Change, type DaemonState, type Numbered, reduce } from '../../protocol/state.ts';
import { byId, daemonState, grant, NOON, record } from '../daemon/cli/estate.ts';

/** A client whose daemon says what the test says. */
class Told {
  state: DaemonState;
  #seq = 0;
  readonly #listeners = new Set<(numbered: Numbered | undefined) => void>();

  constructor(more: Partial<DaemonState> = {}) {
    this.state = daemonState(more);
  }

  apply(change: Change): void {
    this.state = reduce(this.state, change);
    for (const listener of this.#listeners) listener({ seq: ++this.#seq, at: NOON, change });
  }

  get client(): Client {
    const told = this;
    return {
      get state() {
        return told.state;
      },
      call: async () => ({}) as never,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      onClose: () => () => {},
      close: () => {},
    };
  }
}

const connect = (store: Store, told: Told) => store.setLink({ state: 'connected' }, told.client);
const shown = (store: Store) => mine(store.view).map((one) => one.shown);
const newStore = (heldBefore = false) => new Store(heldBefore, () => Promise.resolve());

describe('the store', () => {
  it('tells each change once, with what was before', () => {
    const store = newStore();
    const told = new Told();
    connect(store, told);
    const seen: [View, View][] = [];
    store.onChange((after, before) => seen.push([after, before]));
    told.apply({ type: 'grant', grant: grant() });
    assert.equal(seen.length, 1);
    assert.deepEqual(
      seen.map(([after, before]) => [mine(after).length, mine(before).length]),
      [[1, 0]],
    );
  });

  it('tells those who listened when it changed, also when one leaves and comes again meanwhile', () => {
    const store = newStore();
    const told = new Told();
    connect(store, told);
    let calls = 0;
    let leave = () => {};
    const listen = () => {
      leave = store.onChange(() => {
        if (++calls > 5) throw new Error('told without end');
        leave();
        listen();
      });
    };
    listen();
    told.apply({ type: 'grant', grant: grant() });
    assert.equal(calls, 1);
  });

  it('passes events of the record on without redrawing anything', () => {
    const store = newStore();
    const told = new Told();
    connect(store, told);
    let redrawn = 0;
    const events: AuditEvent[] = [];
    store.onChange(() => redrawn++);
    store.onAudit((event) => events.push(event));
    const [event] = record('central', [{}]);
    assert.ok(event);
    told.apply({ type: 'audit', event });
    assert.deepEqual([redrawn, events], [0, [event]]);
  });

  it('shows the last good news as unknown while contact is lost', () => {
    const store = newStore();
    connect(store, new Told({ grants: byId(grant()) }));
    assert.deepEqual(shown(store), ['usable']);
    store.setLink({ state: 'lost', why: 'closed' }, undefined);
    assert.deepEqual(shown(store), ['unknown']);
  });

  it('shows less power at the click, and takes it back when the daemon refuses', () => {
    const store = newStore();
    const told = new Told({ grants: byId(grant()) });
    connect(store, told);
    const undo = store.askedToRevoke([grant().id]);
    assert.deepEqual(shown(store), ['revoking']);
    undo();
    assert.deepEqual(shown(store), ['usable']);
  });

  it('never shows more than the daemon says: a click cannot make a grant gone, and gone is not revoking', () => {
    const store = newStore();
    const told = new Told({ grants: byId(grant()) });
    connect(store, told);
    store.askedToRevoke([grant().id]);
    told.apply({ type: 'grant', grant: grant({ state: 'revoking' }) });
    assert.deepEqual(shown(store), ['revoking']);
    assert.equal(store.view.asked.size, 0);
    told.apply({ type: 'grant', grant: grant({ state: 'gone' }) });
    assert.deepEqual(shown(store), []);
  });

  it('stays unknown when a new daemon has not heard from central yet', () => {
    const store = newStore();
    connect(store, new Told({ grants: byId(grant()) }));
    store.setLink({ state: 'lost', why: 'closed' }, undefined);
    const fresh = new Told({ central: { state: 'connecting', since: NOON } });
    connect(store, fresh);
    assert.equal(store.view.heldBefore, true);
    fresh.apply({ type: 'grant', grant: grant() });
    fresh.apply({ type: 'central', contact: { state: 'connected', since: NOON } });
    assert.equal(store.view.heldBefore, false);
    assert.deepEqual(shown(store), ['usable']);
  });

  it('ignores what an old link still says', () => {
    const store = newStore();
    const old = new Told();
    connect(store, old);
    connect(store, new Told());
    old.apply({ type: 'grant', grant: grant() });
    assert.deepEqual(shown(store), []);
  });

  it('refuses to ask anything while there is no link', async () => {
    await assert.rejects(newStore().ask('snapshot', {}), /Not connected/);
  });
});
