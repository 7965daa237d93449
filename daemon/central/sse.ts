/** One message of a server-sent event stream, or a comment (a heartbeat). */
export type SseItem = { type: 'message'; id: string | undefined; data: string } | { type: 'comment' };

const LONGEST_LINE = 4 * 1_024 * 1_024;

/**
 * Reads a stream of server-sent events, however it is cut into chunks.
 * @throws RangeError when a message is larger than 4 MiB.
 */
export async function* readSse(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SseItem> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: false });
  let rest = '';
  let data: string[] = [];
  let id: string | undefined;
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be the first half of CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new RangeError('A message of the feed is too long');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { type: 'message', id, data: data.join('\n') };
        data = [];
        continue;
      }
      if (line.startsWith(':')) {
        yield { type: 'comment' };
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
    }
  }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)];
}
