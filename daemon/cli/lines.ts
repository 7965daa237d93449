import { createReadStream } from 'node:fs';

/** Lines of a file as they stand there, without keeping it. Node's own reader also breaks at separators that JSON leaves in texts. */
export async function* linesOf(file: string): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    const rows = `${rest}${chunk}`.split('\n');
    rest = rows.pop() ?? '';
    yield* rows;
  }
  if (rest !== '') yield rest;
}
