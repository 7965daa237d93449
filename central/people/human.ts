/** Names of the claim that tells which program a token was issued to: RFC 9068, OpenID Connect, Entra, Okta. */
const CLIENT = ['client_id', 'azp', 'appid', 'cid'];

/**
 * Why a verified token is not one person's own, in words for them; undefined when nothing says so. Who asks and who decides is
 * one named human: behind a program stand any number of people, and behind one who acts for another stands the other.
 */
export function notOneHuman(claims: Readonly<Record<string, unknown>>): string | undefined {
  // Microsoft Entra says it where it is told to, and else by leaving out what a person let the program do; Auth0 says it.
  const isEntra = claims['tid'] !== undefined && (claims['ver'] === '1.0' || claims['ver'] === '2.0');
  const entra = claims['idtyp'] === 'app' || (isEntra && claims['scp'] === undefined);
  // RFC 9068: a program's subject is its own name.
  if (entra || claims['gty'] === 'client-credentials' || isServiceAccount(claims) || CLIENT.some((name) => claims[name] === claims['sub']))
    return 'This is the sign-in of a program, not of a person';
  // RFC 8693: whoever acts may be the one whose request is decided about.
  if (claims['act'] !== undefined) return 'This is the sign-in of one who acts for somebody else';
  return undefined;
}

/** Keycloak's own name for what stands for a program. */
const isServiceAccount = ({ preferred_username: name }: Readonly<Record<string, unknown>>): boolean =>
  typeof name === 'string' && name.startsWith('service-account-');
