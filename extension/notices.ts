import { type LogOutputChannel, window } from 'vscode';
import { Fault } from '../protocol/fault.ts';
import { inFull, sentence } from '../protocol/problem-words.ts';
import type { Refusal } from '../protocol/refusal.ts';

/**
 * The only place that interrupts a person: to answer what they just did, to ask before something that cannot be undone,
 * or because somebody waits for their decision.
 */
export class Notices {
  readonly #log: LogOutputChannel;

  constructor(log: LogOutputChannel) {
    this.#log = log;
  }

  /** The answer to an act that was refused. */
  refused(doing: string, refusal: Refusal): void {
    void window.showWarningMessage(`${doing}: ${inFull(refusal)}`);
  }

  /** The answer to an act whose outcome is not known, or that met a bug. */
  failed(doing: string, error: unknown): void {
    this.#log.error(doing, error instanceof Error ? error.message : String(error));
    const fault = error instanceof Fault ? error : undefined;
    const what = fault ? sentence(fault.message) : 'Something went wrong in Portcullis; the log “Portcullis” says what.';
    void window.showErrorMessage([`${doing}: ${what}`, fault?.wayOut].filter(Boolean).join(' '));
  }

  /** The answer to an act, when it comes later: a request was denied, an activation failed. */
  async answered(message: string, action: string): Promise<boolean> {
    return (await window.showWarningMessage(message, action)) === action;
  }

  told(message: string): void {
    void window.showInformationMessage(message);
  }

  /** Somebody waits for this person. */
  async asked(message: string, action: string): Promise<boolean> {
    return (await window.showInformationMessage(message, action)) === action;
  }

  /** A modal dialog; false on Escape. */
  async confirmed(message: string, detail: string, action: string): Promise<boolean> {
    return (await window.showWarningMessage(message, { modal: true, detail }, action)) === action;
  }
}
