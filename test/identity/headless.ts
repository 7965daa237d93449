import { createHash, randomBytes } from 'node:crypto';
import { Agent, fetch } from 'undici';

export interface SignedIn {
  accessToken: string;
  refreshToken: string;
}

interface Place {
  issuer: string;
  ca: string;
  clientId: string;
  audience: string;
  scopes: readonly string[];
}

const REDIRECT = 'http://127.0.0.1:1/cb';

/** Goes through the whole authorization code flow, login and consent forms included, as a browser would. */
export async function signInHeadless({ issuer, ca, clientId, audience, scopes }: Place, personId: string): Promise<SignedIn> {
  const agent = new Agent({ connect: { ca } });
  try {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: REDIRECT,
      response_type: 'code',
      scope: scopes.join(' '),
      resource: audience,
      prompt: 'consent',
      state: 'state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const back = await throughTheForms(agent, `${issuer}/auth?${query}`, personId);
    const code = back.searchParams.get('code');
    if (!code) throw new Error(`The identity provider answered ${back.searchParams.get('error_description') ?? back.href}`);
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      client_id: clientId,
      code_verifier: verifier,
      resource: audience,
    });
    const response = await fetch(`${issuer}/token`, { method: 'POST', body, dispatcher: agent });
    const tokens = (await response.json()) as { access_token?: string; refresh_token?: string; error_description?: string };
    if (!tokens.access_token || !tokens.refresh_token) throw new Error(`No tokens: ${tokens.error_description ?? response.status}`);
    return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
  } finally {
    await agent.close();
  }
}

/** Follows redirects and answers forms until the answer leaves the provider. */
async function throughTheForms(agent: Agent, start: string, personId: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form ?? null,
      headers: { cookie },
      redirect: 'manual',
      dispatcher: agent,
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name && value) cookies.set(name, value);
      else if (name) cookies.delete(name);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    form = undefined;
    if (location) {
      url = new URL(location, url);
      if (url.href.startsWith(REDIRECT)) return url;
      continue;
    }
    const action = /action="([^"]+)"/.exec(text)?.[1];
    if (!action)
      throw new Error(
        `The identity provider stopped at ${url.pathname} with ${response.status}: ${text
          .replace(/<style>.*<\/style>/s, '')
          .replace(/<[^>]*>/g, ' ')
          .trim()
          .slice(0, 300)}`,
      );
    form = new URLSearchParams(text.includes('name="person"') ? { person: personId } : { consent: 'yes' });
    url = new URL(action, url);
  }
  throw new Error('The sign-in goes round in circles');
}
