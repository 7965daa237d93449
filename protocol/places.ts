/** What decides where files live. Taken from the environment by each process's main file. */
export interface Surroundings {
  platform: string;
  home: string;
  /** XDG_RUNTIME_DIR, when set: a folder of the person's own that is emptied at logout. */
  runtimeDir?: string | undefined;
  /** XDG_STATE_HOME, when set. */
  stateHome?: string | undefined;
  /** LOCALAPPDATA on Windows. */
  localAppData?: string | undefined;
}

export interface Places {
  /** 0700; socket and entry file. */
  runDir: string;
  entryFile: string;
  /** 0700; the journal, the lock, the log. */
  stateDir: string;
  /** The daemon's log, one JSON document per line. */
  logFile: string;
  /** Where this person's targets are written down, unless the machine's own file exists. Only `home` moves it, no other variable. */
  enrolmentFile: string;
  /** An administrator's, which must be root's where there is one; wins over the person's own. */
  machineEnrolmentFile: string;
}

/** The same answer for the daemon, the command line and the extension. */
export function places(around: Surroundings): Places {
  if (around.platform === 'win32') {
    const base = `${around.localAppData ?? `${around.home}\\AppData\\Local`}\\Portcullis`;
    return {
      runDir: `${base}\\run`,
      entryFile: `${base}\\run\\daemon.json`,
      stateDir: `${base}\\state`,
      logFile: `${base}\\state\\daemon.log`,
      enrolmentFile: `${around.home}\\AppData\\Local\\Portcullis\\enrolment.json`,
      machineEnrolmentFile: 'C:\\ProgramData\\Portcullis\\enrolment.json',
    };
  }
  const stateDir = `${around.stateHome ?? `${around.home}/.local/state`}/portcullis`;
  const runDir = around.runtimeDir ? `${around.runtimeDir}/portcullis` : `${stateDir}/run`;
  return {
    runDir,
    entryFile: `${runDir}/daemon.json`,
    stateDir,
    logFile: `${stateDir}/daemon.log`,
    enrolmentFile: `${around.home}/.config/portcullis/enrolment.json`,
    machineEnrolmentFile:
      around.platform === 'darwin' ? '/Library/Application Support/Portcullis/enrolment.json' : '/etc/portcullis/enrolment.json',
  };
}
