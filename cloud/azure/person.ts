import type { TokenCredential } from '@azure/identity';
import * as v from 'valibot';
import { Fault } from '../../protocol/fault.ts';
import { PersonId } from '../../protocol/ids.ts';
import type { Person } from '../../protocol/model.ts';
import { type AzureSettings, scopeOfTokens } from './settings.ts';

const text = v.pipe(v.string(), v.minLength(1));
const Claims = v.object({
  oid: text,
  name: v.optional(text),
  upn: v.optional(text),
  unique_name: v.optional(text),
  preferred_username: v.optional(text),
  email: v.optional(text),
  app_displayname: v.optional(text),
  appid: v.optional(text),
});

/**
 * Who the credential is, from its own access token. The token is ours and Azure judges it: it is read for a name and an
 * object id, and nothing is decided by it.
 */
export async function personOf(credential: TokenCredential, settings: AzureSettings, signal: AbortSignal): Promise<Person> {
  const access = await credential.getToken(scopeOfTokens(settings), { abortSignal: signal });
  if (!access) throw new Fault('sign-in-failed', 'Not signed in to Azure.', { wayOut: 'Sign in to Azure.' });
  return personIn(access.token);
}

export function personIn(token: string): Person {
  const claims = v.safeParse(Claims, payloadOf(token));
  if (!claims.success) {
    throw new Fault('sign-in-failed', 'Azure gave a token that does not say who it is for.', {
      wayOut: 'Sign in with a work or school account.',
    });
  }
  const { oid, name, upn, unique_name, preferred_username, email, app_displayname, appid } = claims.output;
  const address = upn ?? preferred_username ?? unique_name ?? email;
  return {
    id: v.parse(PersonId, oid.toLowerCase()),
    name: (name ?? app_displayname ?? address ?? appid ?? oid).slice(0, 200),
    ...(address?.includes('@') && { email: address.slice(0, 320) }),
  };
}

/**
 * The same sign-in, as long as it is this person's: each token that it gives is looked at, so that what Azure answers is
 * about them. Whoever runs "az login" as somebody else in between gets no answer at all.
 * @param principalId Their object id. Undefined: whoever it is.
 * @throws Fault `sign-in-failed` from `getToken`, saying who is signed in.
 */
export function onlyAs(credential: TokenCredential, principalId: string | undefined): TokenCredential {
  if (principalId === undefined) return credential;
  return {
    async getToken(scopes, options) {
      const access = await credential.getToken(scopes, options);
      if (!access) return access;
      const { id, name } = personIn(access.token);
      if (id === principalId.toLowerCase()) return access;
      throw new Fault('sign-in-failed', `You are signed in to Azure as ${name}.`, {
        wayOut: 'Sign in to Azure as who holds the access.',
      });
    },
  };
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
