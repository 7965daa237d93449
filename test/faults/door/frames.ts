/** One WebSocket frame as bytes, right or wrong in every part. A client's frames are masked and final unless told. */
export interface Frame {
  opcode: number;
  payload: Buffer;
  final?: boolean;
  /** RSV1 to RSV3, as the bits 0x40, 0x20, 0x10. */
  reserved?: number;
  masked?: boolean;
  /** The length that the header declares; the payload's own unless told. */
  declared?: bigint;
  /** Bytes of the length field: 1, 2 or 8. As short as possible unless told. */
  lengthBytes?: 1 | 2 | 8;
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function bytesOf({ opcode, payload, final = true, reserved = 0, masked = true, ...length }: Frame): Buffer {
  const declared = length.declared ?? BigInt(payload.length);
  const size = length.lengthBytes ?? (declared < 126n ? 1 : declared < 65_536n ? 2 : 8);
  const head = Buffer.alloc(1 + (size === 1 ? 1 : size + 1));
  head[0] = (final ? 0x80 : 0) | reserved | opcode;
  if (size === 1) head[1] = Number(declared & 0x7fn);
  else if (size === 2) head[1] = 126;
  else head[1] = 127;
  if (size === 2) head.writeUInt16BE(Number(declared & 0xffffn), 2);
  if (size === 8) head.writeBigUInt64BE(declared, 2);
  if (!masked) return Buffer.concat([head, payload]);
  head[1] = (head[1] ?? 0) | 0x80;
  const body = Buffer.from(payload);
  for (let at = 0; at < body.length; at++) body[at] = (body[at] ?? 0) ^ (MASK[at % 4] ?? 0);
  return Buffer.concat([head, MASK, body]);
}

export const text = (said: string | Buffer): Frame => ({ opcode: OPCODE.text, payload: Buffer.from(said) });

/** Takes the frames of a server apart, as far as they have come: they are never masked and, from ours, never fragmented. */
export class ServerFrames {
  #rest: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): { opcode: number; payload: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: { opcode: number; payload: Buffer }[] = [];
    for (;;) {
      const [first, second] = this.#rest;
      if (first === undefined || second === undefined) return frames;
      const short = second & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (this.#rest.length < head) return frames;
      const length = short === 126 ? this.#rest.readUInt16BE(2) : short === 127 ? Number(this.#rest.readBigUInt64BE(2)) : short;
      if (this.#rest.length < head + length) return frames;
      frames.push({ opcode: first & 0x0f, payload: this.#rest.subarray(head, head + length) });
      this.#rest = this.#rest.subarray(head + length);
    }
  }
}
