import { type Event, EventEmitter, type TreeDataProvider, type TreeItem, type TreeView, window } from 'vscode';
import type { Cancel, Clock, Millis } from '../../protocol/clock.ts';
import { BALANCERS_VIEW } from '../contributions.ts';
import type { Store } from '../store.ts';
import { accessByBalancer, accessByResource, changedBalancers, type View } from '../view.ts';
import { headline } from '../words/headline.ts';
import type { TimeWords } from '../words/time.ts';
import { treeItem } from './item.ts';
import type { Node } from './nodes.ts';
import { type RowContext, row } from './rows.ts';
import type { TreeSource } from './source.ts';

/** The view *Load balancers*: rows from the source, drawn with what the store knows of access. */
export class BalancersView implements TreeDataProvider<Node> {
  readonly #store: Store;
  readonly #source: TreeSource;
  readonly #clock: Clock;
  readonly #time: TimeWords;
  readonly #filtered: () => void;
  readonly #changed = new EventEmitter<Node | undefined>();
  readonly #view: TreeView<Node>;
  readonly #cancelChange: Cancel;
  #context: RowContext | undefined;
  #rows = 0;
  #cancelAgain: Cancel = () => {};
  /** Told when the refreshing that the view shows is over. */
  #refreshed: (() => void) | undefined;

  /** @param filtered Told when the filter was set or cleared. */
  constructor(store: Store, source: TreeSource, clock: Clock, time: TimeWords, filtered: () => void) {
    this.#store = store;
    this.#source = source;
    this.#clock = clock;
    this.#time = time;
    this.#filtered = filtered;
    this.#cancelChange = store.onChange((after, before) => this.#onChange(after, before));
    this.#view = window.createTreeView(BALANCERS_VIEW, { treeDataProvider: this, showCollapseAll: true });
    this.#view.onDidChangeVisibility(({ visible }) => visible && this.#sayAgain());
  }

  get onDidChangeTreeData(): Event<Node | undefined> {
    return this.#changed.event;
  }

  /** Redraws a row and what is under it; everything without a node. */
  redraw(node?: Node): void {
    this.#changed.fire(node);
  }

  /** Applies a filter; empty shows everything. */
  filter(text: string): void {
    this.#source.setFilter(text);
    this.#view.description = this.#source.filter ? `“${this.#source.filter}”` : '';
    this.#filtered();
    this.redraw();
  }

  dispose(): void {
    this.#cancelChange();
    this.#cancelAgain();
    this.#refreshed?.();
    this.#view.dispose();
    this.#changed.dispose();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!this.#store.view.state) return [];
    const children = await this.#source.children(node);
    if (!node) {
      const first = this.#rows === 0 && children.length > 0;
      this.#rows = children.length;
      this.#say();
      if (first) this.#sayAgain();
    }
    return children;
  }

  getTreeItem(node: Node): TreeItem {
    return treeItem(node.id, row(node, this.#drawWith()), node);
  }

  #drawWith(): RowContext {
    const { view } = this.#store;
    this.#context ??= {
      access: accessByResource(view),
      accessOnBalancer: accessByBalancer(view),
      parts: (balancer) => this.#source.knownParts(balancer),
      connected: view.link.state === 'connected',
      now: this.#clock.now(),
      time: this.#time,
    };
    return this.#context;
  }

  #onChange(after: View, before: View): void {
    this.#context = undefined;
    // Rows before the line: the editor shows the first of several changes at once, and gathers the rest for a moment.
    for (const node of this.#outdated(after, before)) this.redraw(node);
    this.#say();
    this.#showRefreshing(after.state?.inventory.refreshing === true && after.link.state === 'connected');
  }

  /** Rows that look different now; undefined stands for all. */
  #outdated(after: View, before: View): (Node | undefined)[] {
    if (after.link.state === 'connected' && before.link.state !== 'connected') {
      // A new daemon answers for itself; what was asked of the old one is forgotten.
      this.#source.reset();
      return [undefined];
    }
    if (after.state?.inventory.revision !== before.state?.inventory.revision || signInsDiffer(after, before)) {
      this.#source.listChanged();
      return [undefined];
    }
    const balancers = changedBalancers(before, after);
    return balancers ? [...balancers].flatMap((id) => this.#source.find(`balancer ${id}`) ?? []) : [undefined];
  }

  /** One line above the rows: who you are, or what is wrong. Nothing while there are none, for then a welcome stands there. */
  #say(): void {
    const line = this.#rows > 0 ? headline(this.#store.view) : undefined;
    if (this.#view.message !== line) this.#view.message = line ?? '';
  }

  /**
   * The editor measures the line when it is set: one that is set behind a welcome, or in a hidden view, takes no room, and the
   * rows are then drawn too tall and scroll it away. Set once more when it can be seen.
   */
  #sayAgain(delays: readonly Millis[] = MEASURED_AFTER): void {
    this.#cancelAgain();
    const [delay, ...more] = delays;
    if (delay === undefined) return;
    this.#cancelAgain = this.#clock.after(delay, () => {
      const line = this.#view.message;
      if (line) this.#view.message = line;
      this.#sayAgain(more);
    });
  }

  #showRefreshing(refreshing: boolean): void {
    if (!refreshing) {
      this.#refreshed?.();
      this.#refreshed = undefined;
    } else if (!this.#refreshed) {
      const over = new Promise<void>((resolve) => {
        this.#refreshed = resolve;
      });
      void window.withProgress({ location: { viewId: BALANCERS_VIEW } }, () => over);
    }
  }
}

/** The second is for an editor that is busy while it starts. */
const MEASURED_AFTER: readonly Millis[] = [400, 3_000];

const signInsDiffer = (after: View, before: View): boolean =>
  JSON.stringify(after.state?.signIns.map(({ to, state }) => [to, state])) !==
  JSON.stringify(before.state?.signIns.map(({ to, state }) => [to, state]));
