import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AuditEvent } from '../../../protocol/audit.ts';
import { jsonLines } from '../../../protocol/record-file.ts';
import type { CentralClient } from './central-client.ts';
import { runCli } from './cli.ts';
import type { Engineer, Town } from './town.ts';

/** The whole record of a central, page by page. */
export async function centralRecord(client: CentralClient, auditor: Engineer): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let after = 0; ; ) {
    const page = await client.call(auditor, 'record', { query: `?after=${after}&limit=1000` });
    if (!page.ok) throw new Error(`the auditor is refused the record: ${page.refusal.message}`);
    events.push(...page.value.events);
    if (page.value.events.length === 0) return events;
    after = page.value.last;
  }
}

/** By `portcullis audit verify FILE`. @returns What it says when it does not verify. */
export async function recordFault(town: Town, name: string, events: readonly AuditEvent[]): Promise<string | undefined> {
  const file = path.join(town.folder, `${name}.jsonl`);
  writeFileSync(file, jsonLines(events));
  const { status, out, err } = await runCli(['audit', 'verify', file, '--json'], { HOME: town.folder });
  return status === 0 ? undefined : `${name}: the record does not verify: ${out}${err}`;
}
