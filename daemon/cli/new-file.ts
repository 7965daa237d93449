import { link, open, rename, rm, stat } from 'node:fs/promises';

/** A file that is being made. Until `done` there is nothing under its name. */
export interface NewFile {
  append(text: string): Promise<void>;
  /** Rejects with the code EEXIST when somebody else took the name meanwhile. */
  done(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Only its owner can read it. Another file is never written over.
 * @throws as `node:fs` does; with the code EEXIST when there is such a file.
 */
export async function newFile(file: string): Promise<NewFile> {
  if (await exists(file)) throw taken(file);
  const part = `${file}.${process.pid}.part`;
  const handle = await open(part, 'wx', 0o600);
  const discard = async () => {
    await handle.close();
    await rm(part, { force: true });
  };
  return {
    append: async (text) => void (await handle.appendFile(text)),
    async done() {
      await handle.sync();
      try {
        await take(part, file);
      } finally {
        await discard();
      }
    },
    discard,
  };
}

/** A second name for the same bytes: unlike a renaming, that fails where the name is taken. */
async function take(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    // This file system has no second names.
    if (await exists(file)) throw taken(file);
    await rename(part, file);
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const taken = (file: string): Error => Object.assign(new Error(`${file} exists already`), { code: 'EEXIST' });

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
