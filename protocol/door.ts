import * as v from 'valibot';

/** Versions of the protocol that this code speaks, newest first. */
export const VERSIONS: readonly number[] = [1];

/** The newest version both sides speak; undefined when there is none. */
export const negotiate = (offered: readonly number[]): number | undefined => VERSIONS.find((version) => offered.includes(version));

/** What the door accepts at the upgrade; anything else is refused. */
export const DOOR = { host: 'portcullis', path: '/door', subprotocol: 'portcullis.v1' } as const;

export const LIMITS = {
  /** One message from a client, in bytes. */
  message: 64 * 1_024,
  /** One message to a client, in bytes. */
  answer: 4 * 1_024 * 1_024,
  /** Unsent output of one client, in bytes; beyond it the client gets a fresh snapshot, or is cut off. */
  buffered: 1_024 * 1_024,
  connections: 20,
  messagesPerSecond: 20,
  proofWithin: 2_000,
  pingEvery: 15_000,
} as const;

const hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)));

/**
 * Mutual proof of the per-start secret, before anything else: client → `c1`, daemon → `d`, client → `c2`.
 * Each proof is HMAC-SHA-256 with the secret over `label ‖ 0 ‖ first ‖ 0 ‖ second` (hex strings):
 * `c1` over (instance, nonceC), `d` over (nonceC, nonceD), `c2` over (nonceD, nonceC). Other labels make reflection useless.
 */
export const ClientProof1 = v.strictObject({
  proof: v.literal('c1'),
  instance: v.pipe(v.string(), v.uuid()),
  nonce: hex(32),
  mac: hex(32),
});
export const DaemonProof = v.strictObject({ proof: v.literal('d'), nonce: hex(32), mac: hex(32) });
export const ClientProof2 = v.strictObject({ proof: v.literal('c2'), mac: hex(32) });

/** The entry file: where a daemon's door is. 0600, written whole after listening; untrusted when read. */
export const EntryFile = v.strictObject({
  schema: v.literal(1),
  instance: v.pipe(v.string(), v.uuid()),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Path of the Unix socket, or name of the Windows pipe. */
  socket: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  secret: hex(32),
  version: v.pipe(v.string(), v.maxLength(40)),
  versions: v.array(v.number()),
  startedAt: v.number(),
});
export type EntryFile = v.InferOutput<typeof EntryFile>;

/** Why the door closes when a daemon that was told to stop stays until a cloud has taken back what it holds. */
export const LINGERS = 'It ends when the cloud has taken back what it holds';
