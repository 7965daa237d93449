/**
 * How a daemon is started, by the extension and by the command line alike:
 * `node <DAEMON_FLAGS> portcullis.mjs daemon --detached`, in `/`, detached, with `daemonEnvironment` as its whole environment
 * and the per-start secret (64 hex digits, no newline needed) on file descriptor 3. One that is typed in a terminal starts itself
 * again with these flags and this environment.
 */

/**
 * Flags of the daemon's Node.
 *
 * Left out on purpose:
 * - `--permission`: the Azure CLI is a child process that must read and write the person's own files; even with
 *   `--allow-child-process` every Node child inherits the restrictions and breaks, and the model limits
 *   neither sockets nor `node:sqlite` anyway.
 * - `--no-addons`: nothing here loads one, and a person's own Node may need one for its certificate store.
 */
export const DAEMON_FLAGS: readonly string[] = [
  '--disable-sigusr1',
  // When somebody signs out, what libraries have made of their tokens is collected.
  '--expose-gc',
  '--report-exclude-env',
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--disable-warning=ExperimentalWarning',
];

/** Exit status of a daemon, beside 0 (ended as asked) and 1 (bug). */
export const DAEMON_EXIT = {
  /** The enrolment file breaks a rule. */
  badEnrolment: 2,
  /** Another daemon of this person runs; its entry file tells where. */
  alreadyRunning: 6,
  /** Something that the daemon needs is missing on this machine. */
  cannotRunHere: 7,
} as const;

const EVERYWHERE = [
  'PATH',
  'LANG',
  'LC_ALL',
  'AZURE_CONFIG_DIR',
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PATH',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_FEDERATED_TOKEN_FILE',
];

const UNIX = ['HOME', 'USER', 'LOGNAME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'];

const WINDOWS = [
  'SYSTEMROOT',
  'WINDIR',
  'COMSPEC',
  'PATHEXT',
  'USERPROFILE',
  'USERNAME',
  'USERDOMAIN',
  'HOMEDRIVE',
  'HOMEPATH',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'TEMP',
  'TMP',
];

/**
 * The daemon's whole environment, rebuilt from a list of what is allowed: nothing that could inject code
 * (`NODE_OPTIONS`, `LD_PRELOAD`…), name another cloud (`AZURE_AUTHORITY_HOST`) or send its traffic elsewhere (`HTTPS_PROXY`).
 * @param platform As `process.platform` says it.
 */
export function daemonEnvironment(env: Record<string, string | undefined>, platform: string): Record<string, string> {
  const windows = platform === 'win32';
  const allowed = new Set([...EVERYWHERE, ...(windows ? WINDOWS : UNIX)]);
  const rebuilt: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    // Names are compared in any case on Windows, and exactly elsewhere.
    if (value !== undefined && allowed.has(windows ? name.toUpperCase() : name)) rebuilt[name] = value;
  }
  // VS Code's own binary is a Node only when told so; a plain Node ignores it.
  rebuilt['ELECTRON_RUN_AS_NODE'] = '1';
  return rebuilt;
}
