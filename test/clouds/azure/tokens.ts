import { randomBytes } from 'node:crypto';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JSONWebKeySet, errors as jwtErrors, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { type Clock, SECOND } from '../../../protocol/clock.ts';
import type { Caller } from './access.ts';
import { ArmError } from './arm-error.ts';
import type { Directory, Principal } from './directory.ts';
import type { Sequence } from './sequence.ts';
import type { Timing } from './timing.ts';

const Claims = v.object({
  oid: v.string(),
  tid: v.string(),
  aud: v.string(),
  name: v.string(),
  upn: v.optional(v.string()),
  appid: v.optional(v.string()),
  amr: v.optional(v.array(v.string())),
  acrs: v.optional(v.array(v.string())),
  uti: v.string(),
});

/** Audiences that Resource Manager takes, beside its own endpoint. */
export const ARM_AUDIENCES = ['https://management.azure.com', 'https://management.core.windows.net'];

export interface Minted {
  token: string;
  /** Seconds. */
  expiresIn: number;
}

/** Issues access tokens as Entra does, and judges them as Resource Manager does. */
export class Tokens {
  readonly tenantId: string;
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #sequence: Sequence;
  readonly #directory: Directory;
  readonly #keys: GenerateKeyPairResult;
  readonly #canary: (() => string) | undefined;
  readonly keySet: JSONWebKeySet;

  /** @param world Its `canary` stands in each token. */
  constructor(
    world: {
      tenantId: string;
      clock: Clock;
      timing: Timing;
      sequence: Sequence;
      directory: Directory;
      canary?: (() => string) | undefined;
    },
    keys: Keys,
  ) {
    this.tenantId = world.tenantId;
    this.#clock = world.clock;
    this.#timing = world.timing;
    this.#sequence = world.sequence;
    this.#directory = world.directory;
    this.#keys = keys.pair;
    this.#canary = world.canary;
    this.keySet = keys.set;
  }

  /** @param contexts Authentication contexts that a claims challenge asked for. */
  async mint(principal: Principal, audience: string, contexts: string[] = []): Promise<Minted> {
    const seconds = Math.floor(this.#clock.now() / SECOND);
    const expiresIn = Math.floor(this.#timing.tokenLife / SECOND);
    const person = principal.kind === 'User';
    const token = await new SignJWT({
      ver: '1.0',
      oid: principal.oid,
      tid: this.tenantId,
      name: principal.name,
      ...(person ? { upn: principal.upn, unique_name: principal.upn, idtyp: 'user' } : { appid: principal.clientId, idtyp: 'app' }),
      ...(person && { amr: ['pwd', 'mfa'], scp: 'user_impersonation' }),
      ...(contexts.length > 0 && { acrs: contexts }),
      ...(this.#canary && { xms_canary: this.#canary() }),
      uti: `${this.#sequence.next()}.${randomBytes(8).toString('base64url')}`,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'portcullis' })
      .setIssuer(`https://sts.windows.net/${this.tenantId}/`)
      .setAudience(audience)
      .setSubject(principal.oid)
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setExpirationTime(seconds + expiresIn)
      .sign(this.#keys.privateKey);
    return { token, expiresIn };
  }

  /** Who calls. Throws the 401 that Resource Manager would answer. @param endpoint Its own address, an audience too. */
  async verify(authorization: string | undefined, endpoint: string): Promise<Caller> {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw this.#refuse('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
    const claims = await this.#claims(token, [...ARM_AUDIENCES, endpoint]);
    if (claims.tid !== this.tenantId) {
      throw this.#refuse(
        'InvalidAuthenticationTokenTenant',
        `The access token is from the wrong issuer. It must match the tenant '${this.tenantId}' associated with this subscription.`,
      );
    }
    const principal = this.#directory.get(claims.oid);
    if (!principal) throw this.#refuse('InvalidAuthenticationToken', 'The received access token is not valid: the principal is not known.');
    return {
      oid: claims.oid,
      client: claims.upn ?? claims.appid ?? claims.oid,
      name: claims.name,
      kind: principal.kind === 'ServicePrincipal' ? 'ServicePrincipal' : 'User',
      order: Number(claims.uti.split('.')[0]),
      contexts: claims.acrs ?? [],
      multiFactor: claims.amr?.includes('mfa') ?? false,
    };
  }

  async #claims(token: string, audience: string[]): Promise<v.InferOutput<typeof Claims>> {
    try {
      const { payload } = await jwtVerify(token, this.#keys.publicKey, {
        currentDate: new Date(this.#clock.now()),
        audience: audience.flatMap((one) => [one, `${one}/`]),
      });
      return v.parse(Claims, payload);
    } catch (error) {
      if (error instanceof jwtErrors.JWTExpired) {
        throw this.#refuse('ExpiredAuthenticationToken', 'The access token expiry UTC time is earlier than the current UTC time.');
      }
      if (error instanceof jwtErrors.JWTClaimValidationFailed && error.claim === 'aud') {
        throw this.#refuse(
          'InvalidAuthenticationTokenAudience',
          `The access token has been obtained for wrong audience or resource '${String(error.payload.aud)}'. It should exactly match with one of the allowed audiences '${audience.join(',')}'.`,
        );
      }
      throw this.#refuse('InvalidAuthenticationToken', 'The access token is invalid.');
    }
  }

  #refuse(code: string, message: string): ArmError {
    const realm = `https://login.microsoftonline.com/${this.tenantId}`;
    return new ArmError(401, code, message, {
      headers: { 'www-authenticate': `Bearer authorization_uri="${realm}", error="invalid_token", error_description="${message}"` },
    });
  }
}

export interface Keys {
  pair: GenerateKeyPairResult;
  set: JSONWebKeySet;
}

export async function makeKeys(): Promise<Keys> {
  const pair = await generateKeyPair('ES256');
  const jwk = await exportJWK(pair.publicKey);
  return { pair, set: { keys: [{ ...jwk, kid: 'portcullis', use: 'sig', alg: 'ES256' }] } };
}
