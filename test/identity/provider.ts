import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { errors, Provider } from 'oidc-provider';
import { type Certificates, makeCertificates } from '../clouds/certificates.ts';
import { adapterInMemory } from './adapter.ts';
import { type SignedIn, signInHeadless } from './headless.ts';
import { consentPage, errorPage, loginPage } from './pages.ts';
import type { IdentityPerson } from './people.ts';

const CLIENT_ID = 'portcullis';
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'elevate'] as const;

export interface IdentityOptions {
  people: readonly IdentityPerson[];
  /** What access tokens are for: an absolute URI. */
  audience: string;
  /** 0 or absent: any free one. */
  port?: number | undefined;
  /** Its certificate; one of its own otherwise. */
  certificates?: Certificates | undefined;
  /** How long access tokens live, in seconds; 600 unless told. */
  accessTokenSeconds?: number | undefined;
  /** Stands in every access token, so that a test can look for where tokens get to. */
  canary?: string | undefined;
  /** Told of every authorization code and refresh token. */
  onIssued?: ((secret: string) => void) | undefined;
  /** Refuses the parameter `resource`, as Microsoft Entra's v2 endpoint does. */
  refusesResource?: boolean | undefined;
}

export interface Identity {
  issuer: string;
  /** PEM of its authority. */
  ca: string;
  clientId: string;
  scopes: readonly string[];
  tokenEndpoint: string;
  signIn(personId: string): Promise<SignedIn>;
  close(): Promise<void>;
}

/** A real OpenID provider on loopback, where everybody it knows can sign in without a password. For tests and the demo. */
export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  const { people, audience, port = 0 } = options;
  const { ca, key, cert } = options.certificates ?? (await makeCertificates());
  let answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.writeHead(503).end();
  const server = createServer({ key, cert }, (request, response) => answer(request, response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, await configuration(options));
  const protocol = provider.callback();
  const interact = interactions(provider, people);
  answer = (request, response) => (request.url?.startsWith('/interaction/') ? interact(request, response) : protocol(request, response));
  const place = { issuer, ca, clientId: CLIENT_ID, audience, scopes: SCOPES };
  return {
    ...place,
    tokenEndpoint: `${issuer}/token`,
    signIn: (personId) => signInHeadless(place, personId),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function configuration(options: IdentityOptions): Promise<object> {
  const { people, audience, accessTokenSeconds = 600, refusesResource = false, canary, onIssued = () => {} } = options;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const claimsOf = (id: string) => {
    const person = people.find((each) => each.id === id);
    return person && { sub: id, name: person.name, email: person.email, oid: person.oid, groups: person.groups };
  };
  return {
    adapter: adapterInMemory((model, id) => {
      if (model === 'RefreshToken' || model === 'AuthorizationCode') onIssued(id);
    }),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'identity' }] },
    cookies: { keys: ['only for tests and the demo'] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_name: 'Portcullis',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        // For a native client any loopback port fits.
        redirect_uris: ['http://127.0.0.1/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx: { query: { resource?: string }; oidc: { body?: { resource?: string } } }) => {
          if (refusesResource && (ctx.query.resource ?? ctx.oidc.body?.resource) !== undefined)
            throw new errors.InvalidTarget('AADSTS9010010: The resource parameter is not supported here');
          return {
            scope: 'elevate',
            audience,
            accessTokenTTL: accessTokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: [...SCOPES],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    extraTokenClaims: (_: unknown, token: { accountId?: string }) =>
      token.accountId ? { ...claimsOf(token.accountId), ...(canary === undefined ? {} : { canary }) } : undefined,
    findAccount: (_: unknown, id: string) => {
      const claims = claimsOf(id);
      return claims && { accountId: id, claims: () => claims };
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      Grant: 86_400,
      IdToken: 3_600,
      Interaction: 3_600,
      RefreshToken: 86_400,
      Session: 86_400,
      AuthorizationCode: 60,
    },
    renderError: (ctx: { type: string; body: string }, out: { error: string; error_description?: string }) => {
      ctx.type = 'html';
      ctx.body = errorPage(out.error_description ?? out.error);
    },
  };
}

/** The pages between the client's question and the provider's answer. */
function interactions(provider: Provider, people: readonly IdentityPerson[]) {
  const show = (response: ServerResponse, html: string, status = 200) =>
    void response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  return (request: IncomingMessage, response: ServerResponse) => {
    interact(request, response).catch((error: unknown) => show(response, errorPage(String(error)), 400));
  };

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, prompt, session, params, grantId } = await provider.interactionDetails(request, response);
    const action = `/interaction/${uid}`;
    const name = people.find(({ id }) => id === session?.accountId)?.name ?? '';
    if (request.method !== 'POST') return show(response, prompt.name === 'login' ? loginPage(action, people) : consentPage(action, name));
    const form = new URLSearchParams(await bodyOf(request));
    if (prompt.name === 'login') {
      const accountId = form.get('person') ?? '';
      if (!people.some(({ id }) => id === accountId)) return show(response, errorPage('Nobody here has that name'), 400);
      return provider.interactionFinished(request, response, { login: { accountId } });
    }
    const accountId = session?.accountId ?? '';
    const clientId = String(params['client_id']);
    const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant({ accountId, clientId });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(resource, scopes.join(' '));
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    if (chunks.length > 16) throw new Error('The form is too long');
  }
  return Buffer.concat(chunks).toString('utf8');
}
