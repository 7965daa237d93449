import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { Agent, fetch as undiciFetch } from 'undici';
import * as v from 'valibot';
import { type Clock, MINUTE, SECOND } from '../../protocol/clock.ts';
import { Fault } from '../../protocol/fault.ts';
import { type Answer, no, yes } from '../../protocol/refusal.ts';
import type { Claims } from './directory.ts';
import { notOneHuman } from './human.ts';

/** No symmetric and no `none`: a key that verifies must not be able to sign. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
/** Clocks of issuer and central may differ by so much. */
const SKEW = MINUTE;

export interface TokenRules {
  issuer: string;
  /** PEM of the authority that signed the issuer's certificate, when the system does not know it. */
  issuerCa?: string | undefined;
  audience: string;
  /** `at+jwt` (RFC 9068), or `JWT` for issuers that do not say so. */
  tokenType: 'at+jwt' | 'JWT';
}

export interface VerifiedToken extends Claims {
  /** Seconds are the token's unit, milliseconds ours. */
  expiresAt: number;
}

const Metadata = v.object({ issuer: v.string(), jwks_uri: v.pipe(v.string(), v.url(), v.startsWith('https:')) });

/** Verifies bearer tokens against the issuer's published keys. */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #clock: Clock;
  readonly #agent: Agent;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(rules: TokenRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
    this.#agent = new Agent(rules.issuerCa ? { connect: { ca: rules.issuerCa } } : {});
  }

  /** A refusal for a bad token; throws a `Fault` when the issuer's keys cannot be had. */
  async verify(authorization: string | undefined): Promise<Answer<VerifiedToken>> {
    const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '') ?? [];
    if (!token) return refused('There is no bearer token');
    const now = this.#clock.now();
    let payload: JWTPayload;
    try {
      const verified = await jwtVerify(token, await this.#issuerKeys(), {
        issuer: this.#rules.issuer,
        audience: this.#rules.audience,
        algorithms: ALGORITHMS,
        typ: this.#rules.tokenType,
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: SKEW / SECOND,
        currentDate: new Date(now),
      });
      payload = verified.payload;
    } catch (error) {
      if (isOurs(error))
        throw new Fault('sign-in-failed', 'The keys of the identity provider cannot be had', { cause: error, retryable: true });
      return refused(error instanceof errors.JWTExpired ? 'The sign-in has expired' : 'The token is not valid here');
    }
    const { iss, sub, exp, iat } = payload;
    if (!iss || !sub || exp === undefined || iat === undefined) return refused('The token is not valid here');
    // The tolerance is for clocks that differ at issue; an end is an end.
    if (exp * SECOND <= now) return refused('The sign-in has expired');
    if (iat * SECOND > now + SKEW) return refused('The token is from the future');
    const notHuman = notOneHuman(payload);
    if (notHuman) return refused(notHuman, 'Sign in as yourself');
    return yes({ issuer: iss, subject: sub, all: payload, expiresAt: exp * SECOND });
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  #issuerKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover().catch((error: unknown) => {
      // A provider that was away is asked again next time.
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const url = `${this.#rules.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    try {
      const response = await undiciFetch(url, { dispatcher: this.#agent, redirect: 'error', signal: AbortSignal.timeout(10 * SECOND) });
      const metadata = v.parse(Metadata, await response.json());
      if (metadata.issuer !== this.#rules.issuer) throw new Error(`The provider calls itself ${metadata.issuer}`);
      return createRemoteJWKSet(new URL(metadata.jwks_uri), { [customFetch]: this.#fetch });
    } catch (cause) {
      throw new Fault('sign-in-failed', 'The identity provider does not answer', { cause, retryable: true });
    }
  }

  // undici's types and Node's are the same thing under two names.
  #fetch: FetchImplementation = async (url, { headers, method, redirect, signal }) => {
    const response = await undiciFetch(url, { headers: [...headers], method, redirect, signal, dispatcher: this.#agent });
    return new Response(await response.text(), { status: response.status });
  };
}

const refused = (message: string, wayOut = 'Sign in again') => no('not-signed-in', message, { wayOut });

/** Faults of fetching keys, in contrast to faults of the token. */
const isOurs = (error: unknown): boolean =>
  error instanceof Fault ||
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  !(error instanceof errors.JOSEError);
