import * as oidc from 'openid-client';
import { type Agent, request, fetch as undiciFetch } from 'undici';
import * as v from 'valibot';
import { Discovery, WELL_KNOWN } from '../../protocol/central-api.ts';
import type { Clock, Instant } from '../../protocol/clock.ts';
import { MINUTE, SECOND } from '../../protocol/clock.ts';
import { Deadlines } from '../../protocol/deadlines.ts';
import { Fault } from '../../protocol/fault.ts';
import type { Tokens } from '../central/http.ts';
import { Secret } from '../secret.ts';
import { type Loopback, openLoopback } from './loopback.ts';

export interface BrowserSignInParts {
  /** Central's address, from the enrolment file: it says which identity provider to use. */
  url: string;
  dispatcher: Agent;
  clock: Clock;
  onSignedIn(): void;
  onFailed(problem: string): void;
}

interface Held {
  access: Secret;
  expiresAt: Instant;
  refresh: Secret | undefined;
}

/** Renewed this long before its end, so that no call travels with a token that lapses on the way. */
const EARLY = MINUTE;

/** Microsoft Entra refuses the parameter; others give a token for something else without it. Only central knows its provider. */
const resourceOf = ({ resourceIndicator, audience }: Discovery): { resource?: string } => (resourceIndicator ? { resource: audience } : {});

/**
 * Sign-in to central with the person's browser: authorization code with PKCE, state and nonce, and a loopback page that is
 * open for that one sign-in. Tokens stay in memory.
 */
export class BrowserSignIn implements Tokens {
  readonly #parts: BrowserSignInParts;
  #configuration: Promise<{ config: oidc.Configuration; about: Discovery }> | undefined;
  readonly #expiry: Deadlines<'access'>;
  #held: Held | undefined;
  #renewal: Promise<string> | undefined;
  #loopback: Loopback | undefined;

  constructor(parts: BrowserSignInParts) {
    this.#parts = parts;
    this.#expiry = new Deadlines(parts.clock, () => this.#held?.access.wipe(), SECOND);
  }

  /** Gives the page to open. A sign-in that was under way is given up. */
  async begin(): Promise<string> {
    const { config, about } = await this.#configured();
    this.stop();
    const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
    const loopback = await openLoopback(this.#parts.clock, state);
    this.#loopback = loopback;
    const page = oidc.buildAuthorizationUrl(config, {
      redirect_uri: loopback.redirectUri,
      scope: [...new Set(['openid', 'offline_access', ...about.scopes])].join(' '),
      ...resourceOf(about),
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      // Without it an identity provider gives no refresh token.
      prompt: 'consent',
    });
    if (page.protocol !== 'https:') {
      loopback.close();
      throw new Fault('sign-in-failed', 'The identity provider offers no https page', { wayOut: 'Ask who runs central.' });
    }
    void this.#finish(loopback, config, about, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    return page.href;
  }

  async token(fresh: boolean, _signal: AbortSignal): Promise<string> {
    const held = this.#held;
    if (!held) throw new Fault('sign-in-failed', 'You are not signed in to central', { wayOut: 'Sign in, then try again.' });
    if (!fresh && !held.access.wiped && held.expiresAt - EARLY > this.#parts.clock.now()) return held.access.text();
    this.#renewal ??= this.#renew(held).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Forgets who is signed in: the person has signed out, or this daemon ends. */
  signOut(): void {
    this.#forget();
    this.stop();
  }

  /** Gives up a sign-in that is under way. */
  stop(): void {
    this.#loopback?.close();
    this.#loopback = undefined;
  }

  async #finish(
    loopback: Loopback,
    config: oidc.Configuration,
    about: Discovery,
    checks: oidc.AuthorizationCodeGrantChecks,
  ): Promise<void> {
    try {
      const answer = await loopback.answer;
      const tokens = await oidc.authorizationCodeGrant(config, answer, checks, resourceOf(about));
      this.#hold(tokens, undefined);
      this.#parts.onSignedIn();
    } catch (error) {
      // Another sign-in has taken its place.
      if (this.#loopback !== loopback) return;
      this.#parts.onFailed(error instanceof Fault ? error.message : 'The identity provider did not sign you in');
    } finally {
      if (this.#loopback === loopback) this.#loopback = undefined;
    }
  }

  /** The provider rotates refresh tokens: the one that was used is worth nothing afterwards, so renewals never run side by side. */
  async #renew(held: Held): Promise<string> {
    const { refresh } = held;
    if (refresh === undefined || refresh.wiped) throw this.#lapsed(undefined);
    const { config, about } = await this.#configured();
    try {
      return this.#hold(await oidc.refreshTokenGrant(config, refresh.text(), resourceOf(about)), held);
    } catch (error) {
      if (error instanceof oidc.ResponseBodyError) throw this.#lapsed(error);
      throw new Fault('central-unreachable', 'The identity provider does not answer', { cause: error, retryable: true });
    }
  }

  #lapsed(cause: unknown): Fault {
    this.#forget();
    const message = 'Your sign-in to central has lapsed';
    this.#parts.onFailed(message);
    return new Fault('sign-in-failed', message, { cause, wayOut: 'Sign in again.' });
  }

  /** @param before Whose renewal this is. Somebody who signed out meanwhile stays signed out. */
  #hold(tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers, before: Held | undefined): string {
    if (before && this.#held !== before)
      throw new Fault('sign-in-failed', 'You are not signed in to central', { wayOut: 'Sign in, then try again.' });
    // Kept when the provider gives no other: a copy, for what was held before is wiped.
    const refresh = tokens.refresh_token ?? before?.refresh?.text();
    this.#forget();
    const expiresAt = this.#parts.clock.now() + (tokens.expiresIn() ?? 300) * SECOND;
    this.#held = {
      access: Secret.ofText(tokens.access_token),
      expiresAt,
      refresh: refresh === undefined ? undefined : Secret.ofText(refresh),
    };
    this.#expiry.set('access', expiresAt);
    return tokens.access_token;
  }

  #forget(): void {
    this.#held?.access.wipe();
    this.#held?.refresh?.wipe();
    this.#held = undefined;
    this.#expiry.close();
  }

  #configured(): Promise<{ config: oidc.Configuration; about: Discovery }> {
    this.#configuration ??= this.#discover().catch((error: unknown) => {
      this.#configuration = undefined;
      throw error;
    });
    return this.#configuration;
  }

  async #discover(): Promise<{ config: oidc.Configuration; about: Discovery }> {
    const { url, dispatcher } = this.#parts;
    try {
      const answer = await request(`${url.replace(/\/+$/, '')}${WELL_KNOWN}`, { dispatcher });
      const about = v.parse(Discovery, await answer.body.json());
      const issuer = new URL(about.issuer);
      if (issuer.protocol !== 'https:') throw new Error('its identity provider is not https');
      const fetch = ((input: string, init: object) => undiciFetch(input, { ...init, dispatcher })) as unknown as oidc.CustomFetch;
      const config = await oidc.discovery(issuer, about.clientId, undefined, oidc.None(), { [oidc.customFetch]: fetch });
      config[oidc.customFetch] = fetch;
      return { config, about };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'unknown';
      throw new Fault('central-unreachable', `Central does not say where to sign in (${why})`, {
        cause,
        retryable: true,
        wayOut: 'Try again when central can be reached.',
      });
    }
  }
}
