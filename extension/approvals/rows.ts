import type { ElevationRequest } from '../../protocol/model.ts';
import type { Row } from '../tree/rows.ts';
import { onWhat } from '../words/grants.ts';
import { short, spelled } from '../words/time.ts';
import { whatIsAsked } from './text.ts';

/** A request that waits for this person: who, what on what, how long; why is in the tooltip. */
export function requestRow(request: ElevationRequest): Row {
  const what = whatIsAsked(request);
  const long = spelled(request.duration);
  return {
    label: request.requester.name,
    description: [request.role.title, onWhat(request), short(request.duration)].join(' · '),
    icon: { id: 'person' },
    tooltip: [
      `${request.requester.name} asks for ${what}`,
      long,
      request.reason,
      ...(request.ticket ? [request.ticket] : []),
      'Select to see exactly what is asked',
    ],
    flags: ['decide'],
    expand: 'never',
    spoken: `${request.requester.name} asks for ${what} for ${long}. Reason: ${request.reason}`,
    command: 'portcullis.openRequest',
  };
}
