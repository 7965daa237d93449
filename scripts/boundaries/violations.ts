import { isBuiltin } from 'node:module';
import path from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import {
  CLOCK_FILES,
  EMPTY_NAMES,
  ENVIRONMENT_FILES,
  FOLDERS,
  type Folder,
  MANIFEST_FILES,
  MAY_IMPORT,
  MONOTONIC_FILES,
  PACKAGE_RULES,
  PRODUCTION,
  WITHOUT_NODE,
} from './rules.ts';

export interface Violation {
  file: string;
  line: number;
  /** Which rule, in words. */
  rule: string;
  /** What breaks it. */
  what: string;
}

interface Import {
  specifier: string;
  /** Nothing of it is left at run time. */
  typeOnly: boolean;
  at: number;
}

/**
 * Everything in one file that crosses a boundary.
 * @param file Path from the root, with forward slashes.
 */
export function violations(file: string, source: string): Violation[] {
  const found: { rule: string; what: string; at: number }[] = [];
  const folder = folderOf(file);
  if (!folder) return [];
  if (EMPTY_NAMES.test(path.posix.basename(file, '.ts'))) found.push({ rule: 'a file name says what it is for', what: file, at: 0 });
  const { imports, reads } = read(file, source);
  for (const { specifier, typeOnly, at } of imports) {
    const rule = brokenBy(file, folder, specifier, typeOnly);
    if (rule) found.push({ rule, what: specifier, at });
  }
  if (PRODUCTION.includes(folder)) found.push(...reads.filter(({ allowed }) => !allowed.test(file)));
  return found.map(({ rule, what, at }) => ({ file, line: source.slice(0, at).split('\n').length, rule, what }));
}

function brokenBy(file: string, folder: Folder, specifier: string, typeOnly: boolean): string | undefined {
  if (specifier.startsWith('.')) return brokenFolder(file, folder, specifier);
  if (isBuiltin(specifier)) {
    if (WITHOUT_NODE.includes(folder)) return `${folder}/ runs without Node`;
    return /^(node:)?timers/.test(specifier) && PRODUCTION.includes(folder) && !CLOCK_FILES.test(file) ? TIME : undefined;
  }
  if (!PRODUCTION.includes(folder)) return undefined;
  return PACKAGE_RULES.find((rule) => rule.packages.test(specifier) && !rule.only.test(file) && !(typeOnly && rule.typesAnywhere))?.name;
}

function brokenFolder(file: string, folder: Folder, specifier: string): string | undefined {
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const to = folderOf(target);
  if (to === folder || (target === 'package.json' && MANIFEST_FILES.test(file))) return undefined;
  const allowed = MAY_IMPORT[folder];
  if (!allowed || (to && allowed.includes(to))) return undefined;
  return `${folder}/ may import ${allowed.length > 0 ? `only ${allowed.join(', ')}` : 'nothing of ours'}`;
}

function folderOf(file: string): Folder | undefined {
  const first = file.split('/')[0] ?? '';
  return file.includes('/') && FOLDERS.includes(first) ? (first as Folder) : undefined;
}

const TIME = 'time comes from the injected Clock';
const ENVIRONMENT = 'the environment is read in main files';
const TIMERS = new Set(['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval']);

interface Read {
  rule: string;
  what: string;
  at: number;
  allowed: RegExp;
}

function read(file: string, source: string): { imports: Import[]; reads: Read[] } {
  const { program, errors } = parseSync(file, source);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  const imports: Import[] = [];
  const reads: Read[] = [];
  const clock = (what: string, at: number) => reads.push({ rule: TIME, what, at, allowed: CLOCK_FILES });
  new Visitor({
    ImportDeclaration: (node) => {
      const typeOnly = node.importKind === 'type' || (node.specifiers.length > 0 && node.specifiers.every(isTypeSpecifier));
      imports.push({ specifier: node.source.value, typeOnly, at: node.start });
    },
    ExportNamedDeclaration: (node) => {
      if (node.source) imports.push({ specifier: node.source.value, typeOnly: node.exportKind === 'type', at: node.start });
    },
    ExportAllDeclaration: (node) => {
      imports.push({ specifier: node.source.value, typeOnly: node.exportKind === 'type', at: node.start });
    },
    ImportExpression: (node) => {
      if (node.source.type === 'Literal') imports.push({ specifier: String(node.source.value), typeOnly: false, at: node.start });
    },
    TSImportType: (node) => {
      imports.push({ specifier: String(node.source.value), typeOnly: true, at: node.start });
    },
    CallExpression: (node) => {
      const { callee } = node;
      if (callee.type === 'Identifier' && (TIMERS.has(callee.name) || callee.name === 'Date')) clock(callee.name, node.start);
      if (callee.type === 'Identifier' && callee.name === 'require' && node.arguments[0]?.type === 'Literal')
        imports.push({ specifier: String(node.arguments[0].value), typeOnly: false, at: node.start });
    },
    NewExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) clock('new Date()', node.start);
    },
    MemberExpression: (node) => {
      if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return;
      const what = `${node.object.name}.${node.property.name}`;
      if (what === 'Date.now') clock(what, node.start);
      if (what === 'performance.now') reads.push({ rule: TIME, what, at: node.start, allowed: MONOTONIC_FILES });
      if (/^(globalThis|window|self)$/.test(node.object.name) && TIMERS.has(node.property.name)) clock(what, node.start);
      if (what === 'process.env') reads.push({ rule: ENVIRONMENT, what, at: node.start, allowed: ENVIRONMENT_FILES });
    },
  }).visit(program);
  return { imports, reads };
}

const isTypeSpecifier = (node: { type: string; importKind?: string }) => node.type === 'ImportSpecifier' && node.importKind === 'type';
