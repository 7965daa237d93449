import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fromBase64 } from '../../../protocol/bytes.ts';
import { openCheckpoint } from '../../../protocol/checkpoint.ts';
import { SECOND } from '../../../protocol/clock.ts';
import { provesConsistency } from '../../../protocol/merkle-proof.ts';
import { readNoteKey } from '../../../protocol/note.ts';
import { makeCertificates } from '../../clouds/certificates.ts';
import { recordCrypto } from '../../support/record-crypto.ts';
import { until } from '../../support/until.ts';
import { accepted, Stage } from '../stage.ts';

interface Kept {
  size: number;
  root: Uint8Array;
}

/** A witness as C2SP tlog-witness has it, over real HTTPS: keeps one checkpoint, and demands the proof for the next. */
async function witness(t: TestContext) {
  const { ca, cert, key } = await makeCertificates();
  const asked: { status: number; path: string }[] = [];
  const on = { kept: undefined as Kept | undefined, recordKey: '', answer: undefined as [number, Record<string, string>] | undefined };
  const server = createServer({ cert, key }, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const say = (status: number, text = '', headers: Record<string, string> = {}) => {
        asked.push({ status, path: request.url ?? '' });
        response.writeHead(status, headers).end(text);
      };
      if (on.answer) return say(on.answer[0], '', on.answer[1]);
      const [head = '', ...rest] = body.split('\n\n');
      const [old = '', ...proof] = head.split('\n');
      const pinned = readNoteKey(on.recordKey, recordCrypto.sha256);
      const next = pinned && openCheckpoint(rest.join('\n\n'), pinned, recordCrypto);
      if (!next) return say(403);
      const before = on.kept;
      if (Number(old.slice(4)) !== (before?.size ?? 0)) return say(409, `${before?.size ?? 0}\n`, { 'content-type': 'text/x.tlog.size' });
      const hashes = proof.map((text) => fromBase64(text) ?? new Uint8Array());
      const grew =
        !before ||
        provesConsistency(recordCrypto.sha256, { old: before.size, oldRoot: before.root, size: next.size, root: next.root, proof: hashes });
      if (!grew) return say(422);
      on.kept = next;
      say(200, '\u2014 witness.example AAAA\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { on, asked, ca, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a witness gets each checkpoint with its proof, is asked again when it fails, and a record set back is told', async (t) => {
  const stage = await Stage.open(t);
  const { recordKey } = accepted(await stage.call('alice', 'checkpoint'));
  await stage.stop();
  const { on, asked, ca, url } = await witness(t);
  on.recordKey = recordKey;
  on.answer = [302, { location: `${url}/elsewhere` }];
  stage.settings.record = { anchors: [{ kind: 'https', url, ca }] };
  await stage.start();
  await until('the witness is asked', () => asked.length > 0);
  await stage.elevated('alice');
  assert.deepEqual([...new Set(asked.map(({ path }) => path))], ['/add-checkpoint'], 'a redirect is not followed');

  on.answer = undefined;
  const newest = async () => (await stage.call('alice', 'checkpoint')).answer;
  await until('the witness has it', async () => {
    await stage.clock.advance(5 * SECOND);
    return on.kept !== undefined && JSON.stringify(await newest()).includes(`\\n${on.kept.size}\\n`);
  });
  // A new process does not know what the witness has, and learns it from its 409.
  await stage.stop();
  await stage.start();
  const size = on.kept?.size ?? 0;
  await until('the next one is kept too', () => (on.kept?.size ?? 0) > size);
  assert.ok(asked.some(({ status }) => status === 409));

  on.kept = { size: 9_999, root: new Uint8Array(32) };
  await stage.elevated('lee');
  await until('the alarm is in the record', async () => {
    await stage.clock.advance(11 * SECOND);
    const { events } = accepted(await stage.call('carla', 'record'));
    return events.some(({ kind, text }) => kind === 'record.forked' && text.includes('a checkpoint of 9999 events'));
  });
});
