import type { Cancel } from '../protocol/clock.ts';
import type { GrantId } from '../protocol/ids.ts';
import type { ElevationRequest, Grant } from '../protocol/model.ts';
import { inFull } from '../protocol/problem-words.ts';
import { whatIsAsked } from './approvals/text.ts';
import type { Notices } from './notices.ts';
import type { Store } from './store.ts';

/** Tells the window that asked what became of its requests, when that is not what it hoped for. Good news are in the status bar. */
export class Answers {
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #showInAudit: (grantId: GrantId | undefined) => void;
  readonly #open = new Set<string>();
  readonly #cancelChange: Cancel;

  constructor(store: Store, notices: Notices, showInAudit: (grantId: GrantId | undefined) => void) {
    this.#store = store;
    this.#notices = notices;
    this.#showInAudit = showInAudit;
    this.#cancelChange = store.onChange(() => this.#look());
  }

  /** A request of this window. */
  expect(requestId: string): void {
    this.#open.add(requestId);
    this.#look();
  }

  dispose(): void {
    this.#cancelChange();
  }

  #look(): void {
    const { state } = this.#store.view;
    if (!state) return;
    for (const id of this.#open) {
      const request = state.requests[id];
      const grant = request?.grantId ? state.grants[request.grantId] : undefined;
      const bad = request && badNews(request);
      const failed = grant?.state === 'failed' ? notStarted(grant) : undefined;
      if (bad || failed || request?.state === 'cancelled' || grant?.state === 'usable' || grant?.state === 'gone') this.#open.delete(id);
      if (request && (bad || failed)) void this.#tell(request, bad ?? `Your access as ${whatIsAsked(request)} ${failed}`);
    }
  }

  async #tell(request: ElevationRequest, message: string): Promise<void> {
    if (await this.#notices.answered(message, 'Show in audit')) this.#showInAudit(request.grantId);
  }
}

const notStarted = ({ problem }: Grant): string => `did not start: ${problem ? inFull(problem) : 'the activation failed.'}`;

function badNews(request: ElevationRequest): string | undefined {
  const what = whatIsAsked(request);
  switch (request.state) {
    case 'denied': {
      const no = request.approvals.find(({ verdict }) => verdict === 'denied');
      if (no) return `${no.person.name} denied your request for ${what}: ${no.reason}`;
      return [`Your request for ${what} was refused: ${request.decision?.because ?? ''}`, ...(request.decision?.wouldChange ?? [])].join(
        ' ',
      );
    }
    case 'expired':
      return `Nobody decided your request for ${what} in time.`;
    case 'failed':
      return `Your request for ${what} failed${request.problem ? `: ${inFull(request.problem)}` : '.'}`;
    default:
      return undefined;
  }
}
