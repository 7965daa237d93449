import type { Timeline } from './timeline.ts';

/** Takes a line of the story. What it says is made only when somebody listens. */
export type Tell = (line: () => string) => void;

/** The lines of one life, each with its true time. */
export class Story {
  readonly lines: string[] = [];
  readonly tell: Tell;

  /** @param told False: nobody will read it, and it costs nothing. */
  constructor(timeline: Timeline, told: boolean) {
    this.tell = told ? (line) => void this.lines.push(`${stamp(timeline.now)}  ${line()}`) : () => {};
  }
}

const stamp = (at: number): string => `+${(at / 1_000).toFixed(3).padStart(9)} s`;
