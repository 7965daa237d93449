import { randomBytes } from 'node:crypto';
import type { Directory, Principal } from './directory.ts';
import type { Incoming, Reply } from './exchange.ts';
import type { Json } from './json.ts';
import { isObject, objectOf, textOf } from './json.ts';
import type { Tokens } from './tokens.ts';

/** Microsoft Entra's token endpoint: client secret and refresh token. Signing in itself happens before. */
export class Entra {
  readonly #directory: Directory;
  readonly #tokens: Tokens;
  /** Refresh token → object id. Entra keeps earlier ones valid when it hands out the next. */
  readonly #refresh = new Map<string, string>();
  readonly #canary: () => string;

  /** @param canary Stands in each refresh token. */
  constructor(directory: Directory, tokens: Tokens, canary = () => '') {
    this.#directory = directory;
    this.#tokens = tokens;
    this.#canary = canary;
  }

  /** A refresh token of somebody who has just signed in. */
  signIn(oid: string): string {
    const token = `0.A${this.#canary()}${randomBytes(24).toString('base64url')}`;
    this.#refresh.set(token, oid);
    return token;
  }

  /** Revokes every refresh token of a person. */
  signOut(oid: string): void {
    for (const [token, owner] of this.#refresh) if (owner === oid) this.#refresh.delete(token);
  }

  /** Undefined when the path is not Entra's. */
  async answer(incoming: Incoming, base: string): Promise<Reply | undefined> {
    const { tenantId } = this.#tokens;
    if (/^\/common\/discovery\/instance$/i.test(incoming.path)) return discovery(base, tenantId);
    const match = /^\/([^/]+)\/(?:(v2\.0\/\.well-known\/openid-configuration)|(oauth2\/v2\.0\/token)|(discovery\/v2\.0\/keys))$/i.exec(
      incoming.path,
    );
    if (!match) return undefined;
    const [, tenant, configuration, token] = match;
    if (tenant !== tenantId && tenant !== 'organizations' && tenant !== 'common') {
      return fail(400, 'invalid_request', 90002, `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`);
    }
    if (configuration) return { status: 200, body: openIdConfiguration(base, tenantId) };
    if (token) return incoming.method === 'POST' ? this.#token(new URLSearchParams(incoming.text)) : { status: 405 };
    return { status: 200, body: structuredClone(this.#tokens.keySet) as unknown as Json };
  }

  async #token(form: URLSearchParams): Promise<Reply> {
    const scopes = (form.get('scope') ?? '').split(' ').filter(Boolean);
    const audience = scopes.find((scope) => scope.includes('://'))?.replace(/\/+(\.default|user_impersonation)$/, '');
    if (!audience) return fail(400, 'invalid_scope', 70011, 'The provided value for the input parameter scope is not valid.');
    const grant = form.get('grant_type');
    if (grant === 'client_credentials') return this.#application(form, audience);
    if (grant === 'refresh_token') return this.#person(form, audience);
    return fail(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);
  }

  async #application(form: URLSearchParams, audience: string): Promise<Reply> {
    const clientId = form.get('client_id') ?? '';
    const app = this.#directory.app(clientId);
    if (!app) return fail(400, 'unauthorized_client', 700016, `Application with identifier '${clientId}' was not found in the directory.`);
    if (app.clientSecret !== form.get('client_secret')) {
      return fail(
        401,
        'invalid_client',
        7000215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
      );
    }
    return this.#issue(app, audience, form, undefined);
  }

  async #person(form: URLSearchParams, audience: string): Promise<Reply> {
    const oid = this.#refresh.get(form.get('refresh_token') ?? '');
    const person = oid === undefined ? undefined : this.#directory.get(oid);
    if (!person)
      return fail(
        400,
        'invalid_grant',
        70008,
        'The provided authorization code or refresh token has expired or was revoked. Send a new interactive authorization request.',
      );
    return this.#issue(person, audience, form, this.signIn(person.oid));
  }

  async #issue(principal: Principal, audience: string, form: URLSearchParams, refreshToken: string | undefined): Promise<Reply> {
    const { token, expiresIn } = await this.#tokens.mint(principal, audience, contextsOf(form.get('claims') ?? undefined));
    return {
      status: 200,
      headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' },
      body: {
        token_type: 'Bearer',
        expires_in: expiresIn,
        ext_expires_in: expiresIn,
        access_token: token,
        ...(refreshToken && { refresh_token: refreshToken, scope: `${audience}/user_impersonation ${audience}/.default` }),
      },
    };
  }
}

/** The authentication contexts that a `claims` parameter asks for. */
export function contextsOf(claims: string | undefined): string[] {
  if (!claims) return [];
  try {
    const parsed = JSON.parse(claims) as Json;
    const asked = objectOf(objectOf(isObject(parsed) ? parsed['access_token'] : undefined)['acrs']);
    const one = textOf(asked['value']);
    const many = Array.isArray(asked['values']) ? asked['values'].filter((value) => typeof value === 'string') : [];
    return one ? [one, ...many] : many;
  } catch {
    return [];
  }
}

const fail = (status: number, error: string, code: number, text: string): Reply => ({
  status,
  body: {
    error,
    error_description: `AADSTS${code}: ${text}`,
    error_codes: [code],
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  },
});

const openIdConfiguration = (base: string, tenantId: string): Json => ({
  issuer: `${base}/${tenantId}/v2.0`,
  authorization_endpoint: `${base}/${tenantId}/oauth2/v2.0/authorize`,
  token_endpoint: `${base}/${tenantId}/oauth2/v2.0/token`,
  device_authorization_endpoint: `${base}/${tenantId}/oauth2/v2.0/devicecode`,
  end_session_endpoint: `${base}/${tenantId}/oauth2/v2.0/logout`,
  jwks_uri: `${base}/${tenantId}/discovery/v2.0/keys`,
  response_types_supported: ['code', 'id_token', 'token'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['ES256'],
  tenant_region_scope: 'EU',
  cloud_instance_name: 'microsoftonline.com',
});

const discovery = (base: string, tenantId: string): Reply => ({
  status: 200,
  body: {
    tenant_discovery_endpoint: `${base}/${tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: new URL(base).host, preferred_cache: new URL(base).host, aliases: [new URL(base).host] }],
  },
});
