import { after, before, describe } from 'node:test';
import { tellActs } from './scripted/acts.ts';
import { TOKENS, tellMicrosoft } from './scripted/microsoft.ts';
import { tellNoDaemon } from './scripted/no-daemon.ts';
import { type ScriptedStage, startScripted } from './scripted/stage.ts';
import { tellStates } from './scripted/states.ts';

describe('an editor before daemons that say what the test says', () => {
  let stage: ScriptedStage | undefined;
  const on = (): ScriptedStage => {
    if (!stage) throw new Error('The stage was not laid');
    return stage;
  };
  before(async () => {
    stage = await startScripted(TOKENS);
  });
  after(() => stage?.close());

  // First, before there is one.
  tellNoDaemon(on);
  tellStates(on);
  tellActs(on);
  tellMicrosoft(on);
});
