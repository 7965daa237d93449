import type { Clock } from '../protocol/clock.ts';
import { no, yes } from '../protocol/refusal.ts';
import type { Authorities, Truth } from './authority.ts';
import type { CentralAuthority } from './central/authority.ts';
import type { Ending } from './ending.ts';
import type { SignIns } from './handlers.ts';
import type { AzureSignIn } from './sign-in/azure.ts';
import type { BrowserSignIn } from './sign-in/browser.ts';
import { sweepMemory } from './sign-in/sweep.ts';

export interface SignInsParts {
  azure: AzureSignIn;
  /** Scopes of VS Code's session; undefined where its sign-in cannot reach this cloud. */
  sessionScopes: string[] | undefined;
  central: { authority: CentralAuthority; browser: BrowserSignIn | undefined } | undefined;
  authorities: Authorities;
  ending: Pick<Ending, 'endWithin' | 'stillHeld'>;
  truth: Truth;
  clock: Clock;
}

/** What a person may do about who they are, to Azure and to central. */
export function signIns({ azure, sessionScopes, central, authorities, ending, truth, clock }: SignInsParts): SignIns {
  const notEnrolled = (to: string) =>
    no('unsupported', `This machine is not enrolled for ${to}`, { field: 'to', wayOut: 'Change the enrolment file.' });
  return {
    async begin(to) {
      if (to === 'azure') {
        void azure.attempt();
        return yes(sessionScopes ? { scopes: sessionScopes } : {});
      }
      if (to !== 'central' || !central) return notEnrolled(to);
      if (!central.browser) {
        await azure.attempt();
        central.authority.kick();
        return yes({});
      }
      const open = await central.browser.begin();
      truth.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signing in', by: 'browser' } });
      return yes({ open });
    },
    async session(token, expiresAt) {
      if (expiresAt <= clock.now())
        return no('bad-input', 'This session has already ended', { field: 'expiresAt', wayOut: 'Sign in again.' });
      void azure.session(token, expiresAt);
      return yes({});
    },
    async signOut(to) {
      // Without an identity nothing could be given back: that comes first.
      const affected = to === 'azure' ? authorities.all : central ? [central.authority] : [];
      await ending.endWithin(affected, 'revoked');
      const open = ending.stillHeld(affected);
      if (open) return open;
      if (to === 'azure') azure.signOut();
      else if (to === 'central' && central) {
        central.browser?.signOut();
        truth.apply({ type: 'sign-in', signIn: { to: 'central', state: 'signed out' } });
        central.authority.kick();
      } else return notEnrolled(to);
      sweepMemory();
      return yes({});
    },
  };
}
