import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { yes } from '../../../protocol/refusal.ts';
import { ALICE } from '../../daemon/cli/estate.ts';
import { until } from '../../support/until.ts';
import { MICROSOFT } from './microsoft-stand-in.ts';
import type { ScriptedStage } from './stage.ts';

const SCOPES = ['https://management.azure.com/.default'];
const LEFT = ['sign-out', { to: 'azure' }];
const SECOND = 1_000;
/** Long enough for what nobody wanted to reach the daemon. */
const A_MOMENT = 500;
const WITHOUT = [
  { to: 'azure' as const, state: 'signed out' as const },
  { to: 'central' as const, state: 'signed in' as const, person: ALICE, by: 'Azure CLI' },
];

interface Session {
  token: string;
  expiresAt: number;
}

/** A token that says when it ends, by the number of hours from now. */
function tokenFor(hours: number): Session {
  const exp = Math.floor(Date.now() / SECOND) + hours * 3_600;
  const [head, claims] = [{ alg: 'none' }, { exp }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return { token: `${head}.${claims}.c2ln`, expiresAt: exp * SECOND };
}

const SESSIONS = [tokenFor(1), tokenFor(2), tokenFor(3)] as const;
/** Of the sessions that the stand-in for VS Code's Microsoft accounts gives, one after the other. */
export const TOKENS = SESSIONS.map(({ token }) => token);

export function tellMicrosoft(on: () => ScriptedStage): void {
  describe('VS Code’s own Microsoft session', () => {
    const [first, second, third] = SESSIONS;
    let stage: ScriptedStage;
    before(async () => {
      stage = on();
      const instead = { 'sign-in': () => yes({ scopes: SCOPES }), 'inventory.accounts': () => ({ accounts: [], fetchedAt: 0 }) };
      await stage.begin('microsoft', instead, { signIns: WITHOUT });
    });

    /** What was asked of the daemon that is there now, about signing in. */
    const asked = () => stage.daemon.calls.filter(([method]) => method.startsWith('sign-'));
    const given = ({ token, expiresAt }: Session) => ['sign-in.session', { to: 'azure', token, expiresAt }];
    /** The last that was asked, once it is this. */
    const last = (what: string, expected: unknown) =>
      until(what, () => isDeepStrictEqual(asked().at(-1), expected)).catch(() => assert.deepEqual(asked().at(-1), expected));

    test('is not even asked for before somebody presses Sign in', async () => {
      await stage.workbench.welcome('Sign in to see the load balancers').waitFor();
      assert.deepEqual(asked(), []);
    });

    test('goes to the daemon once the person has agreed', async () => {
      const { workbench } = stage;
      await workbench.command('Portcullis: Sign in');
      await workbench
        .dialog()
        .filter({ hasText: /Portcullis.*wants to sign in using Microsoft/ })
        .waitFor();
      assert.deepEqual(asked(), [['sign-in', { to: 'azure' }]]);
      await stage.shot('1-consent');
      await workbench.answer('Allow');
      await last('the session', given(first));
    });

    test('is handed over anew when VS Code has renewed it', async () => {
      await stage.workbench.command(MICROSOFT.renew);
      await last('the new session', given(second));
    });

    test('is given to a new daemon without a question', async () => {
      const { workbench } = stage;
      await stage.replaceDaemon();
      await last('the session at the new daemon', given(second));
      assert.equal(asked().length, 1);
      assert.equal(await workbench.dialog().isVisible(), false);
    });

    test('is given no more after Sign out, until the person signs in again', async () => {
      const { workbench, daemon } = stage;
      daemon.live.apply({ type: 'sign-in', signIn: { to: 'azure', state: 'signed in', person: ALICE, by: 'VS Code' } });
      await workbench.command('Portcullis: Sign out');
      await workbench.choose('Where?', 'Azure');
      await last('the sign-out', LEFT);
      daemon.live.apply({ type: 'sign-in', signIn: { to: 'azure', state: 'signed out' } });
      const before = asked().length;
      await workbench.command(MICROSOFT.renew);
      await workbench.page.waitForTimeout(A_MOMENT);
      assert.equal(asked().length, before, 'renewed in VS Code, it is nobody’s here');

      await workbench.command('Portcullis: Sign in');
      await last('the session', given(third));
      assert.equal(await workbench.dialog().isVisible(), false, 'what was agreed to once is not asked again');
    });

    test('is taken from the daemon when the person signs out of it in VS Code', async () => {
      await stage.workbench.command(MICROSOFT.leave);
      await last('the sign-out', LEFT);
      await stage.replaceDaemon();
      await stage.workbench.page.waitForTimeout(A_MOMENT);
      assert.deepEqual(asked(), [], 'what is over is not brought back');
    });
  });
}
