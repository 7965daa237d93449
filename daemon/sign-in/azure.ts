import type { Access } from '../../cloud/provider.ts';
import type { Clock } from '../../protocol/clock.ts';
import { SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Person } from '../../protocol/model.ts';
import type { SignIn } from '../../protocol/state.ts';
import type { Truth } from '../authority.ts';
import { within } from '../central/http.ts';
import { type Log, ofError } from '../log.ts';
import type { HandedOverSession } from './session.ts';
import type { PersonalTokens } from './tokens.ts';

export interface AzureSignInParts {
  access: Pick<Access, 'whoAmI'>;
  /** Which of the chain gave the last token: `VS Code`, `Azure CLI`… */
  by(): string;
  session: HandedOverSession;
  tokens: Pick<PersonalTokens, 'forget' | 'close' | 'open'>;
  truth: Truth;
  clock: Clock;
  log: Log;
  onPerson(person: Person | undefined): void;
}

const ANSWER_WITHIN = 45 * SECOND;

/** Who the person is for Azure: VS Code's session when it was handed over, else what the Azure CLI and its like know. */
export class AzureSignIn {
  readonly #parts: AzureSignInParts;
  readonly #stopped = new AbortController();
  #person: Person | undefined;
  #attempt: Promise<void> | undefined;
  #again = false;
  /** The person has signed out: nothing is tried until they sign in again. */
  #out = false;

  constructor(parts: AzureSignInParts) {
    this.#parts = parts;
  }

  get person(): Person | undefined {
    return this.#person;
  }

  /** Asks the chain who the person is. Attempts never run side by side; one that is asked for meanwhile follows. */
  attempt(): Promise<void> {
    this.#out = false;
    this.#parts.tokens.open();
    if (this.#attempt) {
      this.#again = true;
      return this.#attempt;
    }
    this.#attempt = this.#ask().finally(() => {
      this.#attempt = undefined;
      if (!this.#again || this.#stopped.signal.aborted) return;
      this.#again = false;
      void this.attempt();
    });
    return this.#attempt;
  }

  /** Something was refused as nobody's: who the person is may have changed. */
  check(): void {
    if (!this.#out) void this.attempt();
  }

  session(token: string, expiresAt: number): Promise<void> {
    this.#parts.session.set({ token, expiresAt });
    return this.attempt();
  }

  signOut(): void {
    this.#out = true;
    this.#parts.session.end();
    this.#parts.tokens.close();
    if (this.#person) this.#parts.truth.record({ kind: 'signed-out', text: 'Signed out of Azure', person: this.#person });
    this.#set(undefined, { to: 'azure', state: 'signed out' });
  }

  stop(): void {
    this.#stopped.abort();
    this.#parts.session.end();
  }

  async #ask(): Promise<void> {
    const { access, by, clock, truth, log } = this.#parts;
    if (!this.#person) truth.apply({ type: 'sign-in', signIn: { to: 'azure', state: 'signing in' } });
    const limited = within(clock, ANSWER_WITHIN, this.#stopped.signal);
    try {
      const person = await access.whoAmI(limited.signal);
      if (this.#out || this.#stopped.signal.aborted) return;
      if (this.#person?.id !== person.id) truth.record({ kind: 'signed-in', text: `Signed in to Azure with ${by()}`, person });
      this.#set(person, { to: 'azure', state: 'signed in', person, by: by() });
    } catch (error) {
      if (this.#out || this.#stopped.signal.aborted) return;
      log.warn('sign-in to Azure failed', ofError(error));
      // An outage says nothing about who the person is.
      if (this.#person && error instanceof Fault && error.code !== 'sign-in-failed') return;
      const problem =
        error instanceof Fault
          ? [error.message, error.wayOut].filter(Boolean).join(' ')
          : 'Signing in did not work. The daemon log has the details.';
      this.#set(undefined, {
        to: 'azure',
        state: error instanceof Fault && error.code === 'sign-in-failed' ? 'signed out' : 'failed',
        problem,
      });
    } finally {
      limited.done();
    }
  }

  #set(person: Person | undefined, signIn: SignIn): void {
    // What was asked for before was somebody else's.
    if (person?.id !== this.#person?.id) this.#parts.tokens.forget();
    this.#person = person;
    this.#parts.truth.apply({ type: 'sign-in', signIn });
    this.#parts.onPerson(person);
  }
}
