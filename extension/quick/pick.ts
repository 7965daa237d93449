import {
  type Disposable,
  type QuickInputButton,
  QuickInputButtons,
  type QuickPick,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  window,
} from 'vscode';
import type { StepEnd, StepPlace } from './steps.ts';

/** A row of a list. Without `value` it only tells something: choosing it does nothing. */
export interface Choice<T> extends QuickPickItem {
  value?: T | undefined;
}

export interface PickOptions<T> {
  title: string;
  placeholder: string;
  place?: StepPlace | undefined;
  prompt?: string | undefined;
  matchOnDetail?: boolean | undefined;
  /** Fills the list, now or later; called again by `again()`. */
  fill(list: List<T>): void | Promise<void>;
  /** Something was typed. */
  onValue?: ((value: string, list: List<T>) => void) | undefined;
  onActive?: ((choice: Choice<T>, list: List<T>) => void) | undefined;
  onItemButton?: ((choice: Choice<T>, button: QuickInputButton, list: List<T>) => void | Promise<void>) | undefined;
  /** Takes the choice. `stay` keeps the list open. */
  accept(value: T, list: List<T>): StepEnd | 'stay' | Promise<StepEnd | 'stay'>;
}

/** What may be done to an open list. After it has closed, all of it does nothing. */
export interface List<T> {
  readonly open: boolean;
  show(choices: readonly Choice<T>[], active?: Choice<T> | undefined): void;
  prompt(text: string | undefined): void;
  busy(busy: boolean): void;
  /** Fills it anew. */
  again(): void;
  end(end: StepEnd): void;
}

/** Shows a list until something is chosen, *Back* or Escape. */
export function pick<T>(options: PickOptions<T>): Promise<StepEnd> {
  const box = window.createQuickPick<Choice<T>>();
  box.title = options.title;
  box.placeholder = options.placeholder;
  box.ignoreFocusOut = true;
  box.matchOnDescription = true;
  box.matchOnDetail = options.matchOnDetail ?? false;
  box.keepScrollPosition = true;
  if (options.prompt !== undefined) box.prompt = options.prompt;
  if (options.place) {
    box.step = options.place.step;
    box.totalSteps = options.place.totalSteps;
    box.buttons = options.place.back ? [QuickInputButtons.Back] : [];
  }
  return new Promise((resolve, reject) => {
    const disposables: Disposable[] = [];
    const list = listOf(
      box,
      () => fill(),
      finish,
      (choice) => options.onActive?.(choice, list),
    );
    let taking = false;
    function finish(end: StepEnd): void {
      if (!list.open) return;
      list.closed();
      for (const disposable of disposables) disposable.dispose();
      box.dispose();
      resolve(end);
    }
    function fail(error: unknown): void {
      finish('cancel');
      reject(error);
    }
    function guard(run: () => void | Promise<void>): void {
      try {
        Promise.resolve(run()).catch(fail);
      } catch (error) {
        fail(error);
      }
    }
    const fill = () => guard(() => options.fill(list));
    async function take(): Promise<void> {
      const value = box.selectedItems[0]?.value ?? box.activeItems[0]?.value;
      if (value === undefined || taking) return;
      taking = true;
      const end = await options.accept(value, list);
      taking = false;
      if (end !== 'stay') finish(end);
    }
    disposables.push(
      box.onDidAccept(() => guard(take)),
      box.onDidHide(() => finish('cancel')),
      box.onDidTriggerButton((button) => {
        if (button === QuickInputButtons.Back) finish('back');
      }),
      box.onDidChangeValue((value) => options.onValue?.(value, list)),
      box.onDidChangeActive(([active]) => {
        if (active) options.onActive?.(active, list);
      }),
      box.onDidTriggerItemButton(({ item, button }) => guard(() => options.onItemButton?.(item, button, list))),
    );
    fill();
    if (list.open) box.show();
  });
}

function listOf<T>(
  box: QuickPick<Choice<T>>,
  again: () => void,
  end: (end: StepEnd) => void,
  marked: (choice: Choice<T>) => void,
): List<T> & { closed(): void } {
  let open = true;
  const whileOpen = (run: () => void) => {
    if (open) run();
  };
  return {
    get open() {
      return open;
    },
    closed: () => {
      open = false;
    },
    show: (choices, active) =>
      whileOpen(() => {
        box.items = choices;
        const first = active ?? choices.find(({ value }) => value !== undefined);
        if (!first) return;
        box.activeItems = [first];
        // Items that were there at the opening are marked without an event.
        marked(first);
      }),
    prompt: (text) =>
      whileOpen(() => {
        box.prompt = text;
      }),
    busy: (busy) =>
      whileOpen(() => {
        box.busy = busy;
      }),
    again: () => whileOpen(again),
    end,
  };
}

export const separator = (label: string): Choice<never> => ({ label, kind: QuickPickItemKind.Separator });

/** A line that only tells something. */
export const line = (label: string, icon?: string, detail?: string): Choice<never> => ({
  label,
  alwaysShow: true,
  ...(icon ? { iconPath: new ThemeIcon(icon) } : {}),
  ...(detail ? { detail } : {}),
});
