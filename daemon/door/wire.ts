/** One connection as the door sees it: text messages in order, with what is needed to bound them. */
export interface DoorWire {
  /** `flushed` runs once the text has left this process, or never can. */
  send(text: string, flushed: () => void): void;
  /** Says why and closes. */
  close(code: number, why: string): void;
  /** Ends it at once. */
  cut(): void;
  /** Bytes handed over and not yet gone. */
  buffered(): number;
  /** Stops and resumes reading: what a flooding client has to say waits at its own end. */
  pause(): void;
  resume(): void;
  onText(listener: (text: string) => void): void;
  onClose(listener: (why: string) => void): void;
}

/** Close codes of RFC 6455 that the door uses. */
export const CLOSE = { goingAway: 1001, policy: 1008 } as const;
