import type { Preview } from '../../../protocol/model.ts';
import { type Block, type Cell, fields, line, type Tone } from '../blocks.ts';
import { showDuration } from '../duration.ts';
import { approversWords } from './request.ts';
import { clockTime, type Now } from './time.ts';

const TONES: Record<Preview['outcome'], Tone> = { granted: 'good', 'needs approval': 'warn', refused: 'bad' };

/** The answer before the question. */
export function previewBlocks(preview: Preview, at: Now): Block[] {
  const { decision } = preview;
  return [
    line({ text: preview.headline, tone: TONES[preview.outcome] }),
    fields([
      ['Because', decision.because],
      ...listed('To change it', decision.wouldChange),
      ['Approval', preview.approvers ? approversWords(preview.approvers) : undefined],
      ['At most', showDuration(preview.longest)],
      ['Ticket', preview.ticketRequired ? 'required' : 'not required'],
      ['Rules', decision.rules.join(', ')],
      ...listed('Actions', preview.actions),
      ...listed(
        'Elevated now',
        preview.elevatedHere.map(({ holder, role, notAfter }) => `${holder.name}, ${role}, until ${clockTime(notAfter, at)}`),
      ),
      ...listed('Note', preview.warnings),
    ]),
  ];
}

const listed = (label: string, texts: readonly string[]): [string, Cell][] => texts.map((text, index) => [index === 0 ? label : '', text]);
