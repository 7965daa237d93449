/** A JWT, signed or encrypted, whole or cut off: dotted parts in base64url, of which the first is a JSON object. */
const JWT = /\bey[I-L][\w-]{5,}\.[\w.-]*/g;
/** What follows the name of a scheme, as in a header; a word of a sentence has no digit in it. */
const SCHEME = /\b(bearer|basic|dpop|pop)\s+(?=[^\s"',;]*\d)[^\s"',;]{8,}/gi;
/** What follows the name of a secret, in a form, a query or JSON. */
const NAMED =
  /\b((?:access|refresh|id|session)_?token|client_?secret|client_assertion|assertion|code_verifier|password)(["']?\s*[:=]\s*["']?)[^\s"'&,;}]{8,}/gi;

/**
 * The words of another service without what looks like a credential: some repeat the caller's own token in their errors, and
 * what they say is shown, logged and recorded.
 */
export const withoutCredentials = (text: string): string => text.replace(JWT, '…').replace(SCHEME, '$1 …').replace(NAMED, '$1$2…');
