import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Fault } from '../../protocol/fault.ts';
import type { ExportFile } from './export.ts';

/** Where an export's text goes. */
export type Sink = Pick<ExportFile, 'append' | 'done' | 'discard'>;

/** A file that only its owner can read, written beside its place and moved there when whole. */
export function localSink(file: string): Sink {
  const part = `${file}.part`;
  const stream = createWriteStream(part, { mode: 0o600 });
  const closed = finished(stream);
  // Every failure reaches `append` or `done`; without this the first would end the extension host.
  closed.catch(() => undefined);
  return {
    append: (text) => new Promise((resolve, reject) => stream.write(text, (error) => (error ? reject(failed(file, error)) : resolve()))),
    async done() {
      stream.end();
      await closed.catch((error: unknown) => Promise.reject(failed(file, error)));
      await rename(part, file);
    },
    async discard() {
      stream.destroy();
      await closed.catch(() => undefined);
      await rm(part, { force: true });
    },
  };
}

const failed = (file: string, cause: unknown): Fault =>
  new Fault('store-failed', `${file} could not be written`, { cause, wayOut: 'Choose another place, or free some space there.' });
