import type { SignIn } from '../../protocol/state.ts';
import type { Truth } from '../authority.ts';
import type { Journal } from '../journal/journal.ts';
import type { CentralTarget, DaemonParts } from '../parts.ts';
import { CentralRecord } from '../record/central-record.ts';
import { BrowserSignIn } from '../sign-in/browser.ts';
import { azureTokens } from '../sign-in/tokens.ts';
import { CentralAuthority } from './authority.ts';
import { centralHttp } from './http.ts';

export interface CentralSideParts extends Pick<DaemonParts, 'instance' | 'azure' | 'clock' | 'random' | 'log'> {
  target: CentralTarget;
  journal: Journal;
  truth: Truth;
  /** Central's record cannot be believed any more, or can again. */
  onForked(): void;
}

/** Everything that has to do with central: who signs in to it and how, and the authority that it is. */
export interface CentralSide {
  authority: CentralAuthority;
  /** Where the person signs in with their browser. */
  browser: BrowserSignIn | undefined;
  /** What is proven of its record. */
  record: CentralRecord;
}

export function composeCentral(parts: CentralSideParts): CentralSide {
  const { target, azure, clock, journal, truth, onForked } = parts;
  const show = (signIn: Omit<SignIn, 'to'>) => truth.apply({ type: 'sign-in', signIn: { to: 'central', ...signIn } });
  const browser: BrowserSignIn | undefined =
    target.signIn === 'browser'
      ? new BrowserSignIn({
          ...target,
          clock,
          onSignedIn: () => authority.kick(),
          onFailed: (problem) => show({ state: 'signed out', problem }),
        })
      : undefined;
  const tokens = browser ?? azureTokens(azure.tokens, target.azureScope ?? '');
  const http = target.http?.(tokens) ?? centralHttp({ url: target.url, dispatcher: target.dispatcher, tokens, clock });
  const record = new CentralRecord({ ...parts, http, url: target.url, pinned: target.recordKey, journal, onForked });
  const authority: CentralAuthority = new CentralAuthority({
    ...parts,
    http,
    url: target.url,
    access: (resource) => (resource.startsWith(`${azure.provider.id}:`) ? azure.provider.access : undefined),
    onPerson: (person) => {
      const known = truth.now().signIns.find(({ to }) => to === 'central')?.person;
      if (known?.id !== person.id) truth.record({ kind: 'signed-in', text: 'Signed in to central', person });
      show({ state: 'signed in', person, by: browser ? 'browser' : azure.by(target.azureScope) });
      record.reached();
    },
    onSignedOut: (problem) => show({ state: 'signed out', problem }),
    onEvent: (event) => {
      truth.apply({ type: 'audit', event });
      record.grew();
    },
  });
  return { authority, browser, record };
}
