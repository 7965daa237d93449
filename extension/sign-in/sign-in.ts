import * as v from 'valibot';
import { authentication, env, ThemeIcon, Uri } from 'vscode';
import { type Cancel, type Clock, MINUTE } from '../../protocol/clock.ts';
import type { SignIn as SignInState } from '../../protocol/state.ts';
import type { Memory } from '../elevate/remembered.ts';
import type { Notices } from '../notices.ts';
import { pick } from '../quick/pick.ts';
import type { Store } from '../store.ts';
import { PROVIDER_NAMES } from '../tree/nodes.ts';
import { signedInTo, signedOutOf } from '../view.ts';
import { expiryOf, mayOpen, renewalIn } from './token.ts';

type Where = SignInState['to'];

const MICROSOFT = 'microsoft';
/** Scopes that the person once signed in with, by a click. Without them nothing is asked of VS Code. */
const SCOPES = 'portcullis.azureScopes';

export interface SignInParts {
  store: Store;
  clock: Clock;
  memory: Memory;
  notices: Notices;
  /** What failed quietly, for the log. */
  report(doing: string, error: unknown): void;
}

/** Signing in and out. VS Code's own Microsoft session is handed to the daemon, which keeps it in memory only. */
export class SignIn {
  readonly #parts: SignInParts;
  readonly #cancels: Cancel[];
  #handedOver = false;
  #cancelRenewal: Cancel = () => {};

  constructor(parts: SignInParts) {
    this.#parts = parts;
    const sessions = authentication.onDidChangeSessions(({ provider }) => {
      if (provider.id === MICROSOFT) void this.#quietly();
    });
    const change = parts.store.onChange((after, before) => {
      // A new daemon has no session: what the person once chose is handed over without asking.
      if (after.link.state === 'connected' && before.link.state !== 'connected') void this.#quietly();
    });
    this.#cancels = [() => sessions.dispose(), change];
  }

  dispose(): void {
    this.#cancelRenewal();
    for (const cancel of this.#cancels) cancel();
  }

  /** *Sign in*: only ever on a click. */
  async signIn(): Promise<void> {
    const { view } = this.#parts.store;
    const needed = signedOutOf(view);
    const to = await choose(
      'Sign in',
      needed.length > 0 ? needed : (view.state?.signIns ?? []).filter(({ state }) => state !== 'not used'),
    );
    if (to) await this.#signIn(to);
  }

  /** *Sign out*: the daemon forgets what it has. */
  async signOut(): Promise<void> {
    const to = await choose('Sign out', signedInTo(this.#parts.store.view));
    if (!to) return;
    try {
      const answer = await this.#parts.store.ask('sign-out', { to });
      if (!answer.ok) return this.#parts.notices.refused('Sign out', answer.refusal);
      if (to === 'azure') await this.#forget();
    } catch (error) {
      this.#parts.notices.failed('Sign out', error);
    }
  }

  async #signIn(to: Where): Promise<void> {
    const { store, notices } = this.#parts;
    try {
      const answer = await store.ask('sign-in', { to });
      if (!answer.ok) return notices.refused('Sign in', answer.refusal);
      const { open, scopes } = answer.value;
      if (open !== undefined) await this.#openPage(open);
      else if (scopes !== undefined && scopes.length > 0) await this.#handOver(scopes);
    } catch (error) {
      notices.failed('Sign in', error);
    }
  }

  async #openPage(address: string): Promise<void> {
    if (mayOpen(address) && (await env.openExternal(Uri.parse(address, true)))) return;
    this.#parts.notices.refused('Sign in', { code: 'unsupported', message: 'The sign-in page could not be opened' });
  }

  /** Asks VS Code for its Microsoft session. Without one, what the daemon finds itself counts. */
  async #handOver(scopes: string[]): Promise<void> {
    const session = await authentication.getSession(MICROSOFT, scopes, { createIfNone: true }).then(
      ({ accessToken }) => accessToken,
      (error: unknown) => this.#parts.report('Microsoft session', error),
    );
    if (session) {
      await this.#parts.memory.update(SCOPES, scopes);
      return this.#give(session);
    }
    if (signedInTo(this.#parts.store.view).some(({ to }) => to === 'azure')) return;
    this.#parts.notices.refused('Sign in', {
      code: 'not-signed-in',
      message: 'VS Code gave no Microsoft session',
      wayOut: 'Sign in with the Azure CLI (az login), then sign in here again.',
    });
  }

  async #give(token: string): Promise<void> {
    const { store, clock, notices } = this.#parts;
    const expiresAt = expiryOf(token, clock.now());
    const answer = await store.ask('sign-in.session', { to: 'azure', token, expiresAt });
    if (!answer.ok) return notices.refused('Sign in', answer.refusal);
    this.#handedOver = true;
    this.#cancelRenewal();
    this.#cancelRenewal = clock.after(renewalIn(expiresAt, clock.now()), () => void this.#quietly());
  }

  /** Hands over the session of a person who has signed in so before, without ever showing anything. */
  async #quietly(): Promise<void> {
    const { store, memory, report } = this.#parts;
    const scopes = v.safeParse(v.array(v.string()), memory.get(SCOPES));
    if (!scopes.success || scopes.output.length === 0 || store.view.link.state !== 'connected') return;
    try {
      const session = await authentication.getSession(MICROSOFT, scopes.output, { silent: true });
      if (session) return await this.#give(session.accessToken);
      if (!this.#handedOver) return;
      // The person has signed out of it in VS Code: the daemon must not go on with what it was given.
      const answer = await store.ask('sign-out', { to: 'azure' });
      this.#handedOver = !answer.ok;
      // It needs it until what was held is taken back.
      if (!answer.ok) this.#cancelRenewal = this.#parts.clock.after(MINUTE, () => void this.#quietly());
    } catch (error) {
      report('Microsoft session', error);
    }
  }

  async #forget(): Promise<void> {
    this.#handedOver = false;
    this.#cancelRenewal();
    await this.#parts.memory.update(SCOPES, undefined);
  }
}

async function choose(title: string, among: readonly SignInState[]): Promise<Where | undefined> {
  const [only, ...others] = among;
  if (others.length === 0) return only?.to;
  let chosen: Where | undefined;
  await pick<Where>({
    title,
    placeholder: 'Where?',
    fill: (list) =>
      list.show(
        among.map(({ to, person, by, problem }) => ({
          label: to === 'central' ? 'Portcullis central' : PROVIDER_NAMES[to],
          description: [person?.name, by].filter(Boolean).join(' · '),
          detail: problem ?? '',
          iconPath: new ThemeIcon('account'),
          value: to,
        })),
      ),
    accept(to) {
      chosen = to;
      return 'done';
    },
  });
  return chosen;
}
