import { type AccessibilityInformation, StatusBarAlignment, type StatusBarItem, ThemeColor, window } from 'vscode';
import type { Cancel, Clock } from '../protocol/clock.ts';
import type { Store } from './store.ts';
import { type Status, status } from './words/status.ts';
import type { TimeWords } from './words/time.ts';

const BACKGROUND = { warning: 'statusBarItem.warningBackground', error: 'statusBarItem.errorBackground' } as const;

/** The countdown in the status bar: drawn again at each change of state, and when its text is due to change. */
export class StatusItem {
  readonly #item: StatusBarItem;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: TimeWords;
  readonly #cancelChange: Cancel;
  #cancelTick: Cancel = () => {};
  #drawn: Status | undefined;

  constructor(store: Store, clock: Clock, time: TimeWords) {
    this.#store = store;
    this.#clock = clock;
    this.#time = time;
    this.#item = window.createStatusBarItem('access', StatusBarAlignment.Left, 100);
    this.#item.name = 'Portcullis access';
    this.#item.command = 'portcullis.showAccess';
    this.#cancelChange = store.onChange(() => this.#draw());
    this.#draw();
  }

  dispose(): void {
    this.#cancelChange();
    this.#cancelTick();
    this.#item.dispose();
  }

  #draw(): void {
    this.#cancelTick();
    const now = this.#clock.now();
    const next = status(this.#store.view, now, this.#time);
    if (next) this.#show(next);
    else this.#item.hide();
    this.#drawn = next;
    // Noticed within seconds when the machine slept or its clock was set, for the text comes from the end's instant.
    if (next?.next !== undefined) {
      const wait = Math.min(Math.max(1, next.next - now), NOTICE_JUMPS);
      this.#cancelTick = this.#clock.after(wait, () => this.#draw());
    }
  }

  /** Only what differs is written: a tooltip that is written again vanishes under the pointer. */
  #show(next: Status): void {
    const drawn = this.#drawn;
    if (drawn?.text !== next.text) this.#item.text = next.text;
    if (drawn?.tooltip !== next.tooltip) this.#item.tooltip = next.tooltip;
    if (!drawn || drawn.background !== next.background) {
      this.#item.backgroundColor = next.background ? new ThemeColor(BACKGROUND[next.background]) : undefined;
    }
    if (drawn?.label !== next.label) this.#item.accessibilityInformation = spoken(next.label);
    if (!drawn) this.#item.show();
  }
}

const NOTICE_JUMPS = 5_000;
const spoken = (label: string): AccessibilityInformation => ({ label, role: 'button' });
