/** Tables as Kysely sees them. Instants are whole milliseconds; bodies are JSON text. */
export interface Schema {
  requests: RequestRow;
  grants: GrantRow;
  findings: FindingRow;
  facts: FactRow;
  events: EventRow;
  heads: HeadRow;
  tree: TreeRow;
  checkpoints: CheckpointRow;
  chains: ChainRow;
  deposits: DepositRow;
  receipts: ReceiptRow;
}

/** Columns beside `body` are copies for looking things up. */
interface RequestRow {
  id: string;
  state: string;
  requester: string;
  created_at: number;
  changed_at: number;
  body: string;
}

export interface GrantRow {
  id: string;
  request_id: string;
  state: string;
  holder: string;
  /** One right in the cloud: principal, role and resource. */
  right_key: string;
  balancer: string;
  not_after: number;
  changed_at: number;
  /** How often it was written. */
  version: number;
  /** The boot clock at `changed_at`. */
  boot_at: number;
  /** The start of the machine that `boot_due` counts from. */
  boot_id: string | null;
  /** When `not_after` falls due by the boot clock. */
  boot_due: number | null;
  body: string;
}

interface EventRow {
  seq: number;
  at: number;
  kind: string;
  body: string;
}

/** Where each chain of the record ends. */
interface HeadRow {
  source: string;
  seq: number;
  hash: string;
  /** The right edge of its tree: hashes one after the other, in hex. */
  peaks: string;
}

/** Every perfect subtree of a chain's tree, leaves included: a proof at any size reads a few rows. */
interface TreeRow {
  source: string;
  level: number;
  position: number;
  hash: string;
}

interface CheckpointRow {
  size: number;
  note: string;
}

/** Whose daemon writes a chain. */
interface ChainRow {
  source: string;
  owner: string;
}

/** An event of a daemon's own chain, as it was sent. */
interface DepositRow {
  source: string;
  seq: number;
  body: string;
}

/** What central has signed for a daemon's events up to `last`. */
interface ReceiptRow {
  source: string;
  last: number;
  note: string;
}

/** What a sweep has told, so that it is told once. */
interface FindingRow {
  id: string;
  at: number;
}

interface FactRow {
  name: string;
  value: string;
}
