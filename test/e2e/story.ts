import { after, before, describe, test } from 'node:test';
import { type Stage, type StageOptions, startStage } from './stage.ts';

export interface Story {
  name: string;
  /** Begins the names of its pictures. */
  shots: string;
  tell(stage: Stage): Promise<void>;
}

/**
 * Stories on one stage, in turn: to lay it takes longer than to tell most of them. Each finds nobody holding anything.
 * The stage is cleared away whatever happens, and what the windows showed when a story failed is kept.
 */
export function tellOn(options: StageOptions, stories: readonly Story[]): void {
  describe(options.name, () => {
    let stage: Stage;
    before(async () => {
      stage = await startStage(options);
    });
    after(() => stage?.close());
    for (const [index, { name, shots, tell }] of stories.entries()) {
      test(name, async () => {
        if (index > 0) await stage.tidy();
        stage.begin(shots);
        try {
          await tell(stage);
        } catch (error) {
          await stage.shotAll('failed');
          throw error;
        }
      });
    }
  });
}
