import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A private folder with a short path (Unix sockets hold about 100 bytes), removed when the test ends. */
export function scratch(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'pc-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}
