import * as v from 'valibot';
import { AuditEvent, AuditFilter } from './audit.ts';
import { GrantId, RequestId } from './ids.ts';
import { ElevationRequest, Grant } from './model.ts';

/** Between the audit panel's page and the extension. The page asks; the extension answers, and pushes whole snapshots. */

/** Events that the page asks for at once. */
export const PAGE_ROWS = 200;

export const StoryOf = v.union([v.strictObject({ grantId: GrantId }), v.strictObject({ requestId: RequestId })]);
export type StoryOf = v.InferOutput<typeof StoryOf>;

/** All that is recorded about one grant (or one request that came to no grant), and how it stands now. */
export const Story = v.object({
  /** Oldest first. */
  events: v.array(AuditEvent),
  /** As known now, with `unknown` in place of good news when contact is lost. Absent when it ended long ago. */
  grant: v.optional(Grant),
  request: v.optional(ElevationRequest),
});
export type Story = v.InferOutput<typeof Story>;

/** What the page may ask → shape of params and result. */
export const PANEL = {
  /** Newest first; `offset` counts from the newest. */
  query: {
    params: v.strictObject({
      filter: AuditFilter,
      offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PAGE_ROWS)),
    }),
    result: v.object({ total: v.number(), events: v.array(AuditEvent) }),
  },
  facets: {
    params: v.strictObject({}),
    result: v.object({
      people: v.array(v.object({ id: v.string(), name: v.string() })),
      balancers: v.array(v.object({ id: v.string(), name: v.string() })),
      kinds: v.array(v.string()),
    }),
  },
  story: { params: StoryOf, result: Story },
  /** The extension asks for format and place, and writes. Without `saved` the person changed their mind. */
  export: {
    params: v.strictObject({ filter: AuditFilter }),
    result: v.object({ saved: v.optional(v.object({ file: v.string(), events: v.number() })) }),
  },
} as const;
export type PanelAsk = keyof typeof PANEL;
export type PanelParams<A extends PanelAsk> = v.InferOutput<(typeof PANEL)[A]['params']>;
export type PanelResult<A extends PanelAsk> = v.InferOutput<(typeof PANEL)[A]['result']>;

const id = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Page → extension. */
export const PageMessage = v.variant('type', [
  /** What is shown now: on load, when visible again, and when the filter changes. Everything pushed follows it. */
  v.strictObject({ type: v.literal('watch'), filter: AuditFilter }),
  v.strictObject({ type: v.literal('ask'), id, ask: v.picklist(['query', 'facets', 'story', 'export']), params: v.unknown() }),
]);
export type PageMessage = v.InferOutput<typeof PageMessage>;

/** The extension's link to the daemon. */
export const PanelContact = v.object({ state: v.picklist(['connected', 'connecting', 'lost']), problem: v.optional(v.string()) });
export type PanelContact = v.InferOutput<typeof PanelContact>;

/** Extension → page. Pushes are complete: one that is lost is made good by the next. */
export const HostMessage = v.variant('type', [
  v.object({ type: v.literal('answer'), id, ok: v.literal(true), value: v.unknown() }),
  v.object({ type: v.literal('refused'), id, problem: v.string() }),
  /** Something was recorded, or stands otherwise: how many events match `filter` now, and the newest of them. */
  v.object({ type: v.literal('live'), filter: AuditFilter, total: v.number(), newest: v.array(AuditEvent) }),
  v.object({ type: v.literal('contact'), contact: PanelContact }),
  /** *Show in audit*. */
  v.object({ type: v.literal('show'), grantId: GrantId }),
]);
export type HostMessage = v.InferOutput<typeof HostMessage>;
