import { type Event, EventEmitter, type TreeDataProvider, type TreeItem, type TreeView, window } from 'vscode';
import type { Cancel } from '../../protocol/clock.ts';
import type { RequestId } from '../../protocol/ids.ts';
import { APPROVALS_VIEW } from '../contributions.ts';
import type { Store } from '../store.ts';
import { treeItem } from '../tree/item.ts';
import { deciding } from '../view.ts';
import { requestRow } from './rows.ts';

/** A row of *Approvals*. */
export interface RequestNode {
  readonly requestId: RequestId;
}

/** The view *Approvals*: requests that wait for this person, with their number as a badge. */
export class ApprovalsView implements TreeDataProvider<RequestNode> {
  readonly #store: Store;
  readonly #changed = new EventEmitter<undefined>();
  readonly #view: TreeView<RequestNode>;
  readonly #cancelChange: Cancel;
  readonly #issued = new WeakSet<object>();

  constructor(store: Store) {
    this.#store = store;
    this.#view = window.createTreeView<RequestNode>(APPROVALS_VIEW, { treeDataProvider: this });
    this.#cancelChange = store.onChange((after, before) => {
      if (after.state?.requests === before.state?.requests && after.link.state === before.link.state) return;
      this.#badge();
      this.#changed.fire(undefined);
    });
    this.#badge();
  }

  get onDidChangeTreeData(): Event<undefined> {
    return this.#changed.event;
  }

  /** Whether this view made that very object. */
  owns(value: unknown): value is RequestNode {
    return typeof value === 'object' && value !== null && this.#issued.has(value);
  }

  dispose(): void {
    this.#cancelChange();
    this.#view.dispose();
    this.#changed.dispose();
  }

  getChildren(node?: RequestNode): RequestNode[] {
    if (node || this.#store.view.link.state !== 'connected') return [];
    return deciding(this.#store.view).map(({ id }) => {
      const issued = { requestId: id };
      this.#issued.add(issued);
      return issued;
    });
  }

  getTreeItem(node: RequestNode): TreeItem {
    const request = this.#store.view.state?.requests[node.requestId];
    const id = `request ${node.requestId}`;
    if (request) return treeItem(id, requestRow(request), node);
    const over = 'This request is over';
    return treeItem(id, { label: over, tooltip: [over], flags: [], expand: 'never', spoken: over }, node);
  }

  #badge(): void {
    const { view } = this.#store;
    const count = view.link.state === 'connected' ? deciding(view).length : 0;
    const tooltip = count === 1 ? 'One request waits for your decision' : `${count} requests wait for your decision`;
    this.#view.badge = count > 0 ? { value: count, tooltip } : undefined;
  }
}
