// Loads and activates the bundle given as argument in a fresh process, with a stand-in for the editor, and prints the milliseconds.
const Module = require('node:module');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');

// Answers every call and every member with itself: what matters is the time of the extension's own code.
const anything = new Proxy(function stand_in() {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => '' : key === 'then' || typeof key === 'symbol' ? undefined : anything),
  set: () => true,
  apply: () => anything,
  construct: () => anything,
});
// The bundle copies the members of the editor's module, so they need names of their own.
const types = readFileSync(require.resolve('@types/vscode/index.d.ts'), 'utf8');
const members = [...types.matchAll(/export (?:namespace|class|enum|const|function) (\w+)/g)].map(([, name]) => [name, anything]);
const editor = Object.fromEntries(members);
const load = Module._load;
Module._load = (name, ...rest) => (name === 'vscode' ? editor : load(name, ...rest));

const home = mkdtempSync(path.join(tmpdir(), 'pa-'));
Object.assign(process.env, { HOME: home, XDG_RUNTIME_DIR: home, XDG_STATE_HOME: home });
const context = new Proxy(
  { subscriptions: [], extensionPath: path.resolve(__dirname, '../..'), globalStorageUri: { fsPath: home } },
  { get: (own, key) => (key in own ? own[key] : anything) },
);

const start = performance.now();
const { activate } = require(path.resolve(process.argv[2]));
activate(context);
const took = performance.now() - start;
rmSync(home, { recursive: true, force: true });
process.stdout.write(String(took));
// What it began in the background is none of this measurement.
process.exit(0);
