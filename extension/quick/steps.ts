/** How one step ended. `cancel`: Escape. `done`: nothing more to ask. `again`: the steps changed, ask the one at this place. */
export type StepEnd = 'next' | 'back' | 'again' | 'cancel' | 'done';

/** One question. It is told where it stands, so that it can say "2/4" and whether there is a way back. */
export type Step = (place: StepPlace) => Promise<StepEnd>;

export interface StepPlace {
  step: number;
  totalSteps: number;
  back: boolean;
}

/**
 * Asks one thing after the other; *Back* returns to the step before it. The list is made again for each step, because
 * an answer may add or remove one.
 * @returns Whether all was asked.
 */
export async function ask(steps: () => readonly Step[]): Promise<boolean> {
  for (let index = 0; ; ) {
    const list = steps();
    const step = list[index];
    if (!step) return true;
    const end = await step({ step: index + 1, totalSteps: list.length, back: index > 0 });
    if (end === 'cancel') return false;
    if (end === 'done') return true;
    if (end === 'next') index++;
    if (end === 'back') index = Math.max(0, index - 1);
  }
}
