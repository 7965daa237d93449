import type { Client } from '../../protocol/client.ts';
import type { Cancel, Clock } from '../../protocol/clock.ts';
import type { RecordCrypto } from '../../protocol/note.ts';
import type { NewFile } from './new-file.ts';

/** Everything outside that a verb may need; made in `main.ts`, doubled in tests. */
export interface CommandLine {
  clock: Clock;
  version: string;
  out(text: string): void;
  /** On standard output too; resolves when the text is taken, so that what is longer than memory can go out. */
  pour(text: string): Promise<void>;
  err(text: string): void;
  /** Colours on standard output and on standard error. */
  colour: { out: boolean; err: boolean };
  /** IANA name of the person's time zone. */
  zone: string;
  /** The daemon, started when none runs. */
  connect(): Promise<Client>;
  /** The daemon that runs; undefined when none does. */
  connectIfRunning(): Promise<Client | undefined>;
  /** Ctrl-C while something is awaited; the default when nobody listens. */
  onInterrupt(listener: () => void): Cancel;
  /** A fresh UUID. */
  newKey(): string;
  crypto: RecordCrypto;
  readFile(file: string): Promise<string>;
  /** Without keeping the file in memory. */
  readLines(file: string): AsyncIterable<string>;
  /** Made anew, 0600. Refuses to write over a file. */
  newFile(file: string): Promise<NewFile>;
  /** Runs the daemon here until it ends. */
  runDaemon(options: { detached: boolean }): Promise<number>;
  /** Central's own command line; undefined when this package does not contain it. */
  central: ((argv: string[]) => Promise<number>) | undefined;
  /** Runs the demo; undefined outside a checkout of the sources. */
  demo: (() => Promise<number>) | undefined;
}
