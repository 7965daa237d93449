import * as v from 'valibot';
import { AuditEvent, AuditFilter } from '../protocol/audit.ts';
import { type Clock, SECOND } from '../protocol/clock.ts';
import { HostMessage, PANEL, type PageMessage, type PanelAsk, type PanelParams, type PanelResult, StoryOf } from '../protocol/panel.ts';

interface Host {
  postMessage(message: PageMessage): void;
  getState(): unknown;
  setState(state: View): void;
}
declare function acquireVsCodeApi(): Host;

/** Where the person is on this page: kept while it is hidden and over a reload of the window. The rest is asked for anew. */
export const View = v.object({
  filter: AuditFilter,
  /** Place of the event at the top; undefined at the newest. */
  place: v.optional(v.number()),
  /** The event whose details are shown, whole: what is recorded never changes. */
  selected: v.optional(v.object({ place: v.number(), event: AuditEvent })),
  story: v.optional(StoryOf),
});
export type View = v.InferOutput<typeof View>;

export type Reply<T> = { ok: true; value: T } | { ok: false; problem: string };
/** `unreadable`: the extension said something that this page does not understand. */
export type Push = Exclude<HostMessage, { type: 'answer' | 'refused' }> | { type: 'unreadable' };

/** The only way between this page and the extension. */
export interface Channel {
  ask<A extends PanelAsk>(ask: A, params: PanelParams<A>): Promise<Reply<PanelResult<A>>>;
  watch(filter: AuditFilter): void;
  listen(pushed: (push: Push) => void): void;
  restored(): View | undefined;
  save(view: View): void;
}

/** What to tell people then. */
export const UNREADABLE = 'It has a form that this panel does not know. Reload the window.';

const PATIENCE = 20 * SECOND;

export function openChannel(clock: Clock): Channel {
  const host = acquireVsCodeApi();
  const waiting = new Map<number, (message: HostMessage) => void>();
  const listeners: ((push: Push) => void)[] = [];
  let last = 0;

  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const parsed = v.safeParse(HostMessage, data);
    const message = parsed.success ? parsed.output : ({ type: 'unreadable' } as const);
    if (message.type === 'answer' || message.type === 'refused') waiting.get(message.id)?.(message);
    else for (const listener of listeners) listener(message);
  });

  return {
    ask(ask, params) {
      const id = ++last;
      return new Promise((resolve) => {
        const settle = (reply: Reply<never> | Reply<PanelResult<typeof ask>>) => {
          waiting.delete(id);
          cancel();
          resolve(reply);
        };
        // A person may take any time to choose where to save.
        const late = () => settle({ ok: false, problem: 'The daemon did not answer in time' });
        const cancel = ask === 'export' ? () => undefined : clock.after(PATIENCE, late);
        waiting.set(id, (message) => {
          if (message.type === 'refused') return settle({ ok: false, problem: message.problem });
          if (message.type !== 'answer') return;
          const parsed = v.safeParse(PANEL[ask].result, message.value);
          if (!parsed.success) return settle({ ok: false, problem: UNREADABLE });
          settle({ ok: true, value: parsed.output as PanelResult<typeof ask> });
        });
        host.postMessage({ type: 'ask', id, ask, params });
      });
    },
    watch: (filter) => host.postMessage({ type: 'watch', filter }),
    listen: (pushed) => void listeners.push(pushed),
    restored() {
      const parsed = v.safeParse(View, host.getState());
      return parsed.success ? parsed.output : undefined;
    },
    save: (view) => host.setState(view),
  };
}
