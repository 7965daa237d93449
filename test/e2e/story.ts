import { test } from 'node:test';
import { type Stage, type StageOptions, startStage } from './stage.ts';

/** One story on a stage of its own, which is cleared whatever happens. What the windows showed at a failure is kept. */
export function story(name: string, options: StageOptions, tell: (stage: Stage) => Promise<void>): void {
  test(name, async () => {
    const stage = await startStage(options);
    try {
      await tell(stage);
    } catch (error) {
      await stage.shotAll('failed');
      throw error;
    } finally {
      await stage.close();
    }
  });
}
