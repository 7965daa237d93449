import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type DoorServer, listen } from '../../../daemon/door/server.ts';
import type { DoorWire } from '../../../daemon/door/wire.ts';
import { LIMITS } from '../../../protocol/door.ts';
import { bytesOf, type Frame, OPCODE, text } from '../../faults/door/frames.ts';
import { RawConnection, requestOf, UPGRADE } from '../../faults/door/raw-connection.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const SOON = 5_000;
const empty = Buffer.alloc(0);
const pieces = (count: number, piece: Buffer): Frame[] =>
  Array.from({ length: count }, (_, at) => ({
    opcode: at === 0 ? OPCODE.text : OPCODE.continuation,
    payload: piece,
    final: at === count - 1,
  }));
const closing = (code: number): Buffer => {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return payload;
};

/** What comes after a good upgrade, and the code that the door closes with. */
const FRAMES: [what: string, bytes: Buffer, code: number][] = [
  ['an unmasked frame', bytesOf({ ...text('{}'), masked: false }), 1002],
  ['a frame that declares 64 MiB', bytesOf({ ...text('{}'), declared: 67_108_864n, lengthBytes: 8 }), 1009],
  ['one byte more than a message may have', bytesOf(text('x'.repeat(LIMITS.message + 1))), 1009],
  ['a reserved bit', bytesOf({ ...text('{}'), reserved: 0x40 }), 1002],
  ['an opcode that does not exist', bytesOf({ opcode: 3, payload: empty }), 1002],
  ['bytes that are no UTF-8', bytesOf({ opcode: OPCODE.text, payload: Buffer.from([0xc3, 0x28]) }), 1007],
  ['a continuation of nothing', bytesOf({ opcode: OPCODE.continuation, payload: Buffer.from('x') }), 1002],
  ['a ping in pieces', bytesOf({ opcode: OPCODE.ping, payload: empty, final: false }), 1002],
  ['a ping of 126 bytes', bytesOf({ opcode: OPCODE.ping, payload: Buffer.alloc(126) }), 1002],
  ['seventeen pieces', Buffer.concat(pieces(17, Buffer.from('x')).map(bytesOf)), 1008],
  ['seventeen empty pieces', Buffer.concat(pieces(17, empty).map(bytesOf)), 1008],
  ['garbage', Buffer.from('not a frame at all, and long enough to be taken for one'), 1002],
  ['a close with the code that no frame may carry', bytesOf({ opcode: OPCODE.close, payload: closing(1005) }), 1002],
  ['a binary message', bytesOf({ opcode: OPCODE.binary, payload: Buffer.from('{}') }), 1003],
];

describe('the door, frame by frame', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'df-'));
  const socket = path.join(folder, 'd.sock');
  let server: DoorServer;
  let heard: string[] = [];
  before(async () => {
    const take = (wire: DoorWire) => void wire.onText((said) => heard.push(said));
    server = await listen(socket, new ManualClock(), take, (mask) => process.umask(mask));
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const letIn = async (): Promise<RawConnection> => {
    heard = [];
    const connection = new RawConnection(socket);
    assert.ok(await connection.upgraded(SOON));
    return connection;
  };

  for (const [what, bytes, code] of FRAMES) {
    it(`closes with ${code} on ${what}, and hands nothing on`, async () => {
      const connection = await letIn();
      connection.write(bytes);
      await connection.until(() => connection.closeCode !== undefined, SOON);
      assert.equal(connection.closeCode, code);
      assert.deepEqual(heard, []);
      await connection.end();
    });
  }

  it('takes a message of exactly as many bytes as one may have, and one in sixteen pieces', async () => {
    const connection = await letIn();
    connection.write(bytesOf(text('x'.repeat(LIMITS.message))));
    connection.write(Buffer.concat(pieces(16, Buffer.from('y')).map(bytesOf)));
    await until('both messages', () => heard.length === 2);
    assert.deepEqual([heard[0]?.length, heard[1]], [LIMITS.message, 'y'.repeat(16)]);
    await connection.end();
  });

  for (const [what, lines, status] of [
    ['a bad key', UPGRADE.map((line) => line.replace('dGhl', 'x')), 400],
    ['another version', UPGRADE.map((line) => line.replace('Version: 13', 'Version: 7')), 400],
    ['a plain request', UPGRADE.filter((line) => !/^(Connection|Upgrade):/.test(line)), 426],
  ] as const) {
    it(`answers ${what} with ${status}`, async () => {
      const connection = new RawConnection(socket);
      connection.write(requestOf(lines));
      await connection.until(() => connection.status !== undefined, SOON);
      assert.equal(connection.status, status);
      await connection.end();
    });
  }

  for (const [what, bytes] of [
    ['headers of 20 kB', requestOf([...UPGRADE, `X-Long: ${'x'.repeat(20_000)}`])],
    ['a header that never ends', requestOf(UPGRADE).subarray(0, 60)],
  ] as const) {
    it(`cuts off ${what} within three seconds, without a word`, async () => {
      const connection = new RawConnection(socket);
      connection.write(bytes);
      await connection.until(() => false, 3_500);
      assert.ok(connection.closed);
      assert.equal(connection.status, undefined);
    });
  }
});
