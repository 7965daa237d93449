/**
 * The claims that Entra wants before it grants, out of an error message: PIM sends them URL-encoded, plain or in base64,
 * without the header that the SDK would act on. Undefined when there are none.
 */
export function claimsFrom(message: string): string | undefined {
  const raw = /claims=(.+)$/s.exec(message)?.[1]?.trim();
  if (!raw) return undefined;
  try {
    const text = decoded(raw);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

function decoded(raw: string): string {
  if (/^%7B/i.test(raw)) return decodeURIComponent(raw.split('&')[0] ?? '');
  return raw.startsWith('{') ? raw : Buffer.from(raw, 'base64').toString('utf8');
}
