import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';

/** The one file that knows the component library: what it is, which parts of it are used, and their tags. */

/** To be called once, before any of the creators. */
export function registerComponents(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeDropdown(), vsCodeOption(), vsCodeProgressRing(), vsCodeTextField());
}

type Appearance = 'primary' | 'secondary' | 'icon';

export interface ButtonTraits {
  appearance?: Appearance;
  /** What a screen reader says, when the text alone does not tell. */
  label?: string;
  class?: string;
}

export function button(
  text: string,
  press: () => void,
  { appearance = 'secondary', label, class: className = '' }: ButtonTraits = {},
): HTMLElement {
  const made = make('vscode-button', `button ${className}`.trim());
  made.setAttribute('appearance', appearance);
  if (label) {
    made.setAttribute('aria-label', label);
    made.title = label;
  }
  made.textContent = text;
  made.addEventListener('click', press);
  return made;
}

export interface TextField {
  element: HTMLElement;
  value: string;
}

export function textField(label: string, longest: number, typed: (value: string) => void): TextField {
  const made = make('vscode-text-field', 'field') as HTMLElement & { value: string };
  made.setAttribute('placeholder', label);
  made.setAttribute('aria-label', label);
  made.setAttribute('maxlength', String(longest));
  made.addEventListener('input', () => typed(made.value));
  return {
    element: made,
    get value() {
      return made.value;
    },
    set value(value: string) {
      made.value = value;
    },
  };
}

export interface Choice {
  value: string;
  text: string;
}

export interface Dropdown {
  element: HTMLElement;
  /** Replaces what can be chosen. `value` is chosen without telling anybody. */
  offer(choices: Choice[], value: string): void;
}

export function dropdown(label: string, chosen: (value: string) => void): Dropdown {
  const made = make('vscode-dropdown', 'dropdown') as HTMLElement & { value: string };
  made.setAttribute('aria-label', label);
  made.title = label;
  made.addEventListener('change', () => chosen(made.value));
  return {
    element: made,
    offer(choices, value) {
      const options = choices.map((choice) => {
        const option = make('vscode-option', 'option');
        option.setAttribute('value', choice.value);
        option.title = choice.text;
        option.textContent = choice.text;
        return option;
      });
      made.replaceChildren(...options);
      made.value = value;
    },
  };
}

export function progressRing(label: string): HTMLElement {
  const made = make('vscode-progress-ring', 'ring');
  made.setAttribute('aria-label', label);
  return made;
}

function make(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
