import { InputBoxValidationSeverity, QuickInputButtons, window } from 'vscode';
import type { StepEnd, StepPlace } from './steps.ts';

export interface TextOptions {
  title: string;
  placeholder: string;
  prompt: string;
  value?: string | undefined;
  place?: StepPlace | undefined;
  /** What is wrong with the text, if anything. */
  problem(text: string): string | undefined;
  /** Called once with a way to change what stands below the box while it is open. */
  onOpen?: ((say: (prompt: string, warning?: string) => void) => void) | undefined;
  accept(text: string): void;
}

/** Asks for one line of text. */
export function text(options: TextOptions): Promise<StepEnd> {
  const box = window.createInputBox();
  box.title = options.title;
  box.placeholder = options.placeholder;
  box.prompt = options.prompt;
  box.value = options.value ?? '';
  box.ignoreFocusOut = true;
  if (options.place) {
    box.step = options.place.step;
    box.totalSteps = options.place.totalSteps;
    box.buttons = options.place.back ? [QuickInputButtons.Back] : [];
  }
  return new Promise((resolve) => {
    let open = true;
    let warning: string | undefined;
    const advise = () => {
      box.validationMessage = warning ? { message: warning, severity: InputBoxValidationSeverity.Warning } : undefined;
    };
    function finish(end: StepEnd): void {
      if (!open) return;
      open = false;
      box.dispose();
      resolve(end);
    }
    box.onDidChangeValue(advise);
    box.onDidAccept(() => {
      const wrong = options.problem(box.value.trim());
      if (wrong) {
        box.validationMessage = wrong;
        return;
      }
      options.accept(box.value.trim());
      finish('next');
    });
    box.onDidTriggerButton((button) => {
      if (button === QuickInputButtons.Back) finish('back');
    });
    box.onDidHide(() => finish('cancel'));
    options.onOpen?.((prompt, warn) => {
      if (!open) return;
      box.prompt = prompt;
      warning = warn;
      advise();
    });
    box.show();
  });
}

/** The rules that every reason must keep. */
export const reasonProblem = (reason: string): string | undefined => {
  if (reason.length === 0) return 'A reason is required: it goes to the approver and into the record.';
  return reason.length > 1_000 ? 'At most 1,000 characters.' : undefined;
};

export const ticketProblem = (ticket: string): string | undefined => {
  if (ticket.length === 0) return 'The policy requires a ticket here.';
  return ticket.length > 100 ? 'At most 100 characters.' : undefined;
};
