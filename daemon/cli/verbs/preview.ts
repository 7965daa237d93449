import { type Asked, asking, choose } from '../asked.ts';
import { EXIT, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import { previewBlocks } from '../views/preview.ts';
import type { Verb } from './verb.ts';

export const preview: Verb = (program, on) =>
  asking(program.command('preview'))
    .description('say whether a request would be granted, by whom, and what the role can really do; changes nothing')
    .addHelpText('after', '\nExit status 3 when it would be refused.')
    .action(on.daemon(previewOne));

async function previewOne(session: Session, typed: string, asked: Asked): Promise<Outcome> {
  const { ref, ask } = await choose(session, typed, asked);
  const answer = await session.want('preview', ask);
  return {
    status: answer.outcome === 'refused' ? EXIT.refused : EXIT.done,
    json: { resource: ref, roleId: ask.roleId, authority: ask.authority, preview: answer },
    screen: previewBlocks(answer, { now: session.line.clock.now(), zone: session.line.zone }),
  };
}
