// What each folder may import, and where the things with one owner live. ARCHITECTURE.md says why.

const SOURCE_FOLDERS = ['protocol', 'extension', 'webview', 'daemon', 'central', 'cloud', 'roles', 'bench', 'scripts', 'test'] as const;
export type Folder = (typeof SOURCE_FOLDERS)[number];
export const FOLDERS: readonly string[] = SOURCE_FOLDERS;

/** Folder → folders of ours that it may import, beside itself. Absent: all. */
export const MAY_IMPORT: Partial<Record<Folder, readonly Folder[]>> = {
  protocol: [],
  extension: ['protocol'],
  webview: ['protocol'],
  daemon: ['protocol', 'cloud'],
  central: ['protocol', 'cloud', 'roles'],
  cloud: ['protocol', 'roles'],
  roles: ['protocol'],
};

/** Code for people's machines and servers, as opposed to what builds and tests it. */
export const PRODUCTION: readonly Folder[] = ['protocol', 'extension', 'webview', 'daemon', 'central', 'cloud', 'roles'];

/** Folders without Node's own modules. */
export const WITHOUT_NODE: readonly Folder[] = ['protocol', 'webview'];

export interface PackageRule {
  name: string;
  packages: RegExp;
  /** Production files that may import them. */
  only: RegExp;
  /** `import type` is no dependency at run time. */
  typesAnywhere?: boolean | undefined;
}

export const PACKAGE_RULES: readonly PackageRule[] = [
  { name: 'the editor is known to extension/ only', packages: /^vscode$/, only: /^extension\// },
  { name: 'the component library is imported in one file', packages: /^@vscode\/webview-ui-toolkit/, only: /^webview\/components\.ts$/ },
  {
    name: 'cloud SDKs are used in cloud/ only',
    packages: /^(@azure\/|@aws-sdk\/|@smithy\/|@google-cloud\/|google-auth-library|googleapis)/,
    only: /^cloud\//,
  },
  { name: 'ws lives in the door and in its clients', packages: /^ws$/, only: /^(daemon\/(door|cli)\/|extension\/daemon\/)[^/]+\.ts$/ },
  {
    name: 'the logger is made in one place of a process and passed in',
    packages: /^pino$/,
    only: /(^|\/)(main|log)\.ts$/,
    typesAnywhere: true,
  },
  { name: 'protocol/ needs its validator and nothing else', packages: /^(?!valibot$)/, only: /^(?!protocol\/)/ },
  {
    name: 'the extension stays small: the editor, a socket, a validator',
    packages: /^(?!(vscode|ws|valibot)$)/,
    only: /^(?!extension\/)/,
  },
  {
    name: 'the page stays small: components and a validator',
    packages: /^(?!(@vscode\/webview-ui-toolkit|valibot)$)/,
    only: /^(?!webview\/)/,
  },
];

/** The only production files that read a clock or wait. */
export const CLOCK_FILES = /(^|\/)[^/]*clock[^/]*\.ts$/;

/** A process's own monotonic time, for the system clock that its main file makes. */
export const MONOTONIC_FILES = /(^|\/)([^/]*clock[^/]*|main)\.ts$/;

/** The only production files that read the environment. */
export const ENVIRONMENT_FILES = /(^|\/)main\.ts$/;

/** The only production files that read the manifest: it says which version this is. */
export const MANIFEST_FILES = /^(central|daemon\/cli)\/main\.ts$/;

/** Words that say nothing about what a file is for. */
export const EMPTY_NAMES = /(^|[-_.])(managers?|(?<!self-)services?|helpers?|utils?|common|misc)([-_.]|$)/;
