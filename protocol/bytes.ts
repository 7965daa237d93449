/** Bytes as text and back. `protocol/` knows neither Node's Buffer nor the DOM; these three are in every runtime. */
interface Host {
  TextEncoder: new () => { encode(text: string): Uint8Array };
  btoa(binary: string): string;
  atob(text: string): string;
}
const host = globalThis as unknown as Host;

const encoder = new host.TextEncoder();
/** Each byte as hex: looked up, for every event of a record takes several hashes. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Undefined when it is no lower-case hex of that many bytes. */
export function fromHex(text: string, length: number): Uint8Array | undefined {
  if (text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from({ length }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

export const toBase64 = (bytes: Uint8Array): string => host.btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** Undefined unless it is the one way to write these bytes in standard base64, with padding. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(host.atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : undefined;
}
