import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What is wrong with a SQLite file that nobody has open, and with its folder. */
export function damagesOf(file: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const checked = db
      .prepare('PRAGMA integrity_check')
      .all()
      .map((row) => String(row['integrity_check']))
      .filter((line) => line !== 'ok');
    const aside = readdirSync(path.dirname(file)).filter((name) => /damaged|corrupt|quarantine|aside/i.test(name));
    return [...checked.map((line) => `${file}: ${line}`), ...aside.map((name) => `${file} was set aside as ${name}`)];
  } finally {
    db.close();
  }
}

/** What a process wrote down of bugs of its own; faults that a bad cloud brings are no bugs. */
export function bugsIn(log: string): string[] {
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines
    .filter((line) => /"msg":"bug"|"event":"bug"|\bbug\b.*\bstack\b|FATAL ERROR/.test(line))
    .map((line) => `${log}: ${line.slice(0, 600)}`);
}
