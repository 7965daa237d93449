import { readFileSync } from 'node:fs';
import os from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import type { Goal, Table } from './contract.ts';

const INTRODUCTION = `# Measured

Written by \`npm run bench\`; [README.md](README.md) says how to repeat it. Every figure is a ratio to a floor or a peer that ran
on the same machine in the same run, for a time in milliseconds says more about the machine than about Portcullis.`;

/** The whole page. */
export function page(tables: readonly Table[], busy: boolean): string {
  return `${[INTRODUCTION, machine(busy), ...tables.map(section)].join('\n\n')}\n`;
}

export function section({ title, about, columns, rows, goals }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [line(columns), line(columns.map((_, n) => (n === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
  return [`## ${title}`, about, table, goals.map(goalLine).join('\n')].filter(Boolean).join('\n\n');
}

const goalLine = ({ text, met }: Goal): string => `- ${met === undefined ? 'Not told' : met ? 'Met' : '**Missed**'}: ${text}`;

/** Named so that a reader can judge; nothing below depends on it. */
function machine(busy: boolean): string {
  const sqlite = new DatabaseSync(':memory:').prepare('SELECT sqlite_version() AS version').get()?.['version'];
  const day = new Date().toISOString().slice(0, 10);
  const what = `${day}, Node ${process.versions.node}, SQLite ${sqlite}, ${os.type()} with ${os.availableParallelism()} processors.`;
  return busy ? `${what} **The machine was busy with other work**: the figures of this run are worth little.` : what;
}

/** Others compete for the processors: more ready processes than processors in the last minute. */
export const isBusy = (): boolean => (os.loadavg()[0] ?? 0) > os.availableParallelism();

/** The page with the sections of these tables replaced, so that one bench can be repeated. */
export function merged(file: string, tables: readonly Table[], busy: boolean): string {
  const fresh = new Map(tables.map((table) => [table.title, section(table)]));
  const kept = readFileSync(file, 'utf8')
    .trimEnd()
    .split(/\n\n(?=## )/);
  const known = new Set(kept.map(titleOf));
  const sections = kept.slice(1).map((old) => fresh.get(titleOf(old) ?? '') ?? old);
  for (const [title, text] of fresh) if (!known.has(title)) sections.push(text);
  return `${[INTRODUCTION, machine(busy), ...sections].join('\n\n')}\n`;
}

const titleOf = (text: string): string | undefined => /^## (.*)/.exec(text)?.[1];
