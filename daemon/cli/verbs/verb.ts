import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import type { Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';

/** Adds one command to the program. */
export type Verb = (program: Command, on: On) => void;

/** Wraps what a command does, so that its outcome is printed and its connection closed. */
export interface On {
  /** With the daemon, started when none runs. */
  daemon<A extends unknown[]>(act: (session: Session, ...args: A) => Promise<Outcome>): (...args: A) => Promise<void>;
  /** Without it. */
  alone<A extends unknown[]>(act: (line: CommandLine, ...args: A) => Promise<Outcome>): (...args: A) => Promise<void>;
}
