import { intend } from './intent.ts';
import { wakes } from './life.ts';
import type { GrantMachine } from './ports.ts';
import { step } from './step.ts';

/** The one that central runs. */
export const grantMachine: GrantMachine = { intend, step, wakes };
