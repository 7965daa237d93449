import type { AuthorizationManagementClient, RoleAssignmentScheduleRequest } from '@azure/arm-authorization';
import type { TokenCredential } from '@azure/identity';
import { type Clock, type Millis, SECOND, sleep } from '../../protocol/clock.ts';
import { type AzureError, azureErrorOf, codeOf, isDefinite } from './azure-error.ts';
import { claimsFrom } from './claims.ts';
import type { AzureClients } from './clients.ts';
import type { Elevation } from './elevation.ts';
import { faultOf } from './errors.ts';
import { meaningOf } from './request-status.ts';

/** Azure took the request under its name, or said a definite no. */
export type Sent = { request: RoleAssignmentScheduleRequest } | { refused: AzureError; wayOut?: string | undefined };

/** Azure asks to wait and says how long; more often than this it is not worth it. */
const THROTTLED_TIMES = 4;
const THROTTLED_WAIT: Millis = 5 * SECOND;
const LONGEST_WAIT: Millis = 30 * SECOND;

/** Azure takes 12 to 15 seconds to answer; a word that still moves after this is not an answer. */
const LOOK_AGAIN: Millis = 2 * SECOND;
const LOOKS = 30;

/**
 * Requests to Entra PIM. Each is sent exactly as often as is known to be harmless: what the outcome of is not known
 * becomes a `Fault`, and the caller finds out by the request's name.
 */
export class ScheduleRequests {
  readonly #clients: AzureClients;
  readonly #credential: TokenCredential;
  readonly #clock: Clock;

  constructor(clients: AzureClients, credential: TokenCredential, clock: Clock) {
    this.#clients = clients;
    this.#credential = credential;
    this.#clock = clock;
  }

  /** @param body Built anew for each sending, for a length of time means something else each time. */
  async send(at: Elevation, name: string, body: () => RoleAssignmentScheduleRequest, signal: AbortSignal): Promise<Sent> {
    let credential = this.#credential;
    let challenge: AzureError | undefined;
    for (let throttled = 0; ; ) {
      const sent = await this.#sendOnce(at, name, body(), credential, signal);
      if ('request' in sent) return sent;
      const { refused } = sent;
      // The sign-in could not be made stronger without the person: that is what to say.
      if (challenge && refused.status === 401) return { refused: challenge, wayOut: sent.wayOut };
      if (refused.status === 429 && throttled++ < THROTTLED_TIMES) {
        const wait = Math.min(refused.retryAfter ?? THROTTLED_WAIT, LONGEST_WAIT);
        if (wait > 0 && !(await this.waited(wait, signal))) return sent;
        continue;
      }
      const claims = codeOf(refused) === 'RoleAssignmentRequestAcrsValidationFailed' ? claimsFrom(refused.message) : undefined;
      if (!claims || challenge) return sent;
      challenge = refused;
      credential = withClaims(this.#credential, claims);
    }
  }

  async #sendOnce(
    at: Elevation,
    name: string,
    body: RoleAssignmentScheduleRequest,
    credential: TokenCredential,
    signal: AbortSignal,
  ): Promise<Sent> {
    try {
      const client = await this.#clients.authorization({ subscriptionId: at.subscriptionId, credential, once: true });
      return { request: await client.roleAssignmentScheduleRequests.create(at.scope, name, body, { abortSignal: signal }) };
    } catch (error) {
      const refused = azureErrorOf(error, this.#clock.now());
      if (refused && isDefinite(refused)) return { refused };
      const fault = faultOf(error, this.#clock.now());
      // No token, no request: that is as definite as an answer.
      if (fault.code === 'sign-in-failed')
        return { refused: { status: 401, code: 'AuthenticationFailed', message: fault.message }, wayOut: fault.wayOut };
      throw fault;
    }
  }

  /** The request of that name as it is now. Undefined when Azure has none: it never arrived, or not yet. */
  async find(at: Elevation, name: string, signal: AbortSignal): Promise<RoleAssignmentScheduleRequest | undefined> {
    return this.#ask(async () => {
      const client = await this.#client(at);
      return client.roleAssignmentScheduleRequests.get(at.scope, name, { abortSignal: signal });
    });
  }

  /** Waits while Azure is at work on a request. Throws a `Fault` when it does not come to an end. */
  async settled(
    at: Elevation,
    request: RoleAssignmentScheduleRequest,
    name: string,
    signal: AbortSignal,
  ): Promise<RoleAssignmentScheduleRequest> {
    let latest = request;
    for (let looks = 0; meaningOf(latest.status).is === 'moving' && looks < LOOKS; looks++) {
      if (!(await this.waited(LOOK_AGAIN, signal))) break;
      latest = (await this.find(at, name, signal)) ?? latest;
    }
    return latest;
  }

  async cancel(at: Elevation, name: string, signal: AbortSignal): Promise<void> {
    await this.#ask(async () => {
      const client = await this.#client(at);
      await client.roleAssignmentScheduleRequests.cancel(at.scope, name, { abortSignal: signal });
    });
  }

  /** False when the caller gave up first. */
  async waited(delay: Millis, signal: AbortSignal): Promise<boolean> {
    try {
      await sleep(this.#clock, delay, signal);
      return true;
    } catch {
      return false;
    }
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question();
    } catch (error) {
      if (azureErrorOf(error, this.#clock.now())?.status === 404) return undefined;
      throw faultOf(error, this.#clock.now());
    }
  }

  async #client({ subscriptionId }: Elevation): Promise<AuthorizationManagementClient> {
    return this.#clients.authorization({ subscriptionId });
  }
}

/** The same person with a token that meets a claims challenge. */
const withClaims = (credential: TokenCredential, claims: string): TokenCredential => ({
  getToken: (scopes, options) => credential.getToken(scopes, { ...options, claims }),
});
