/** What an error of node:sqlite means here. The low byte of its code says what, the others say where. */
const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;

/** The file is no database any more, or not the one that was written: SQLITE_CORRUPT, SQLITE_NOTADB. */
export const isDamage = (error: unknown): boolean => codeOf(error) === 11 || codeOf(error) === 26;

/** There is no room: SQLITE_FULL, or SQLITE_IOERR of a file that could not grow. */
export const isNoRoom = (error: unknown): boolean => codeOf(error) === 13 || codeOf(error) === 10;
