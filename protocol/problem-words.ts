import type { Problem } from './model.ts';

/** Closed, so that another may follow it. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What is wrong, and what to do. */
export const inFull = ({ message, wayOut }: Pick<Problem, 'message' | 'wayOut'>): string =>
  [message, wayOut]
    .filter((text) => text !== undefined)
    .map(sentence)
    .join(' ');
