/** The editor's link to the daemon, as people are told about it. */
export type Link =
  | { state: 'connecting' }
  | { state: 'connected' }
  /** No daemon runs and none could be started. */
  | { state: 'absent'; problem: string; wayOut?: string | undefined }
  /** It was there, and is not any more: a new one is being started. */
  | { state: 'lost'; why: string };
