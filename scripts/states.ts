// Draws the state machines of the code into ARCHITECTURE.md. `npm run states`; `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GRANT_LIFE } from '../central/grants/table.ts';
import { LEASE_LIFE } from '../daemon/central/lease-table.ts';
import { PIM_LIFE } from '../daemon/pim/table.ts';
import type { Transitions } from '../protocol/lifecycle.ts';
import { type Blocks, withBlocks } from './marked.ts';
import { ROOT } from './root.ts';

const ARCHITECTURE = path.join(ROOT, 'ARCHITECTURE.md');
/** Causes that leave so many states for the same one are drawn as one line under one name. */
const MANY = 3;

interface Edge {
  from: string;
  to: string;
  cause: string;
}

/** The Mermaid diagram of one machine. @param any What to call the causes that most states share, such as "an end". */
export function diagram(table: Transitions<string>, any: string): string {
  const edges = Object.entries(table).flatMap(([from, causes]) => Object.entries(causes).map(([cause, to]): Edge => ({ from, to, cause })));
  const shared = new Set(
    edges.flatMap(({ cause, to }) => (edges.filter((each) => each.cause === cause && each.to === to).length >= MANY ? [cause] : [])),
  );
  const labels = new Map<string, string[]>();
  for (const { from, to, cause } of edges) {
    const line = `${named(from)} --> ${named(to)}`;
    const label = shared.has(cause) ? any : cause;
    const known = labels.get(line) ?? [];
    labels.set(line, known.includes(label) ? known : [...known, label]);
  }
  const states = Object.keys(table);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...states.filter((state) => named(state) !== state).map((state) => `    state "${state}" as ${named(state)}`),
    `    [*] --> ${named(states[0] ?? '')}`,
    ...[...labels].map(([line, causes]) => `    ${line}: ${causes.join(', ')}`),
    ...states.filter((state) => Object.keys(table[state] ?? {}).length === 0).map((state) => `    ${named(state)} --> [*]`),
    '```',
    ...(shared.size > 0 ? ['', `${any[0]?.toUpperCase()}${any.slice(1)}: ${[...shared].join(', ')}.`] : []),
  ].join('\n');
}

/** Mermaid takes a name without spaces. */
const named = (state: string): string => state.replaceAll(/\W/g, '_');

const DIAGRAMS: Blocks = {
  'states of a grant': () => diagram(GRANT_LIFE, 'an end'),
  'phases of a lease': () => diagram(LEASE_LIFE, 'what central tells'),
  'phases of an elevation': () => diagram(PIM_LIFE, 'an end'),
};

/** ARCHITECTURE.md with its diagrams as the code declares them. */
export const withDiagrams = (architecture: string): string => withBlocks(architecture, 'ARCHITECTURE.md', DIAGRAMS);

if (import.meta.main) {
  const text = readFileSync(ARCHITECTURE, 'utf8');
  const expected = withDiagrams(text);
  const check = process.argv.includes('--check');
  if (!check) writeFileSync(ARCHITECTURE, expected);
  const stale = check && text !== expected;
  console.log(stale ? 'ARCHITECTURE.md draws another machine than the code: run `npm run states`' : 'Diagrams and code agree');
  process.exitCode = stale ? 1 : 0;
}
