import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSse, type SseItem } from '../../../daemon/central/sse.ts';

async function* chunks(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function read(text: string, cuts: number[] = []): Promise<SseItem[]> {
  const items: SseItem[] = [];
  for await (const item of readSse(chunks(Buffer.from(text), cuts))) items.push(item);
  return items;
}

test('however a stream is cut, the same messages come out, with any line end', async () => {
  const message = fc.record({ id: fc.nat(), data: fc.jsonValue().map((value) => JSON.stringify(value)) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(message), { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(), { maxLength: 30 }),
      async (items, end, cuts) => {
        // Any JSON text may hold a lone separator character; only CR and LF end lines.
        const text = items.map((item) => (item === null ? `:${end}${end}` : `id: ${item.id}${end}data: ${item.data}${end}${end}`)).join('');
        const expected = items.map(
          (item): SseItem => (item === null ? { type: 'comment' } : { type: 'message', id: String(item.id), data: item.data }),
        );
        // A lone CR at the very end waits for what follows.
        const got = await read(end === '\r' ? `${text}:\r\n` : text, cuts);
        assert.deepEqual(end === '\r' ? got.slice(0, expected.length) : got, expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('data over several lines is one message; other fields are ignored', async () => {
  assert.deepEqual(await read('event: x\ndata: a\ndata:b\nretry: 5\nid: 7\n\ndata\n\n'), [
    { type: 'message', id: '7', data: 'a\nb' },
    { type: 'message', id: '7', data: '' },
  ]);
});

test('a message without an end is no message, and one without bounds is refused', async () => {
  assert.deepEqual(await read('data: a\n'), []);
  await assert.rejects(read(`data: ${'x'.repeat(5 * 1_024 * 1_024)}`), RangeError);
});
