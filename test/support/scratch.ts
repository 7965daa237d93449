import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { endProcessesOf, processesOf } from '../../scripts/host/processes.ts';

/** A private folder with a short path (Unix sockets hold about 100 bytes), removed when the test ends. */
export function scratch(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'pc-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/**
 * Somebody's home, with whatever was started for it ended before it is removed: daemons outlive the command that starts them,
 * and one whose home has gone is found by nobody.
 */
export function scratchHome(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'pc-'));
  // One hook for both: hooks run in the order in which they were added.
  t.after(async () => {
    await endProcessesOf(dir, 5_000);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(processesOf(dir), [], 'nothing outlives its test');
  });
  return dir;
}
