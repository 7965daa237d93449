/** Numbers in [0, 1), seeded. */
export type Random = () => number;

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export function choose<T>(random: Random, from: readonly T[]): T {
  const one = from[below(random, from.length)];
  if (one === undefined) throw new RangeError('Nothing to choose from');
  return one;
}

export function noise(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length + 3);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(below(random, 2 ** 32), at);
  return bytes.subarray(0, length);
}

const INSERTED = [0x00, 0xff, 0xc0, 0x80] as const;

/** One to four small damages: bit flip, byte set, duplicate, delete, splice, insert. */
export function damaged(random: Random, good: Buffer): Buffer {
  let bytes = Buffer.from(good);
  for (let times = 1 + below(random, 4); times > 0; times--) {
    const at = below(random, bytes.length + 1);
    const upTo = Math.min(bytes.length, at + 1 + below(random, 16));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (below(random, 6)) {
      case 0:
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
        break;
      case 1:
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = below(random, 256);
        break;
      case 2:
        bytes = Buffer.concat([before, bytes.subarray(at, upTo), after]);
        break;
      case 3:
        bytes = Buffer.concat([before, bytes.subarray(upTo)]);
        break;
      case 4: {
        const from = below(random, bytes.length + 1);
        bytes = Buffer.concat([before, good.subarray(from, from + 32), after]);
        break;
      }
      default:
        bytes = Buffer.concat([before, Buffer.from([choose(random, INSERTED)]), after]);
    }
  }
  return bytes;
}

const DEEP = 10_000;

/** JSON texts (some are none, or have no value that fits) that parsers stumble over. */
const HOSTILE: readonly string[] = [
  '1e999',
  '-1e999',
  '-0',
  '1.5',
  '9007199254740993',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u0000"',
  '"\\u202e\\u2066"',
  '"azure:/subscriptions/../../.."',
  '"../../../etc/passwd"',
  '"<script>"',
  '"pim"',
  '"; DROP TABLE lease; --"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1,"valueOf":2,"hasOwnProperty":3}',
];

/** The same, but long or deep: rarer, for each takes the time of a hundred. */
const BIG: readonly string[] = [
  `"${'x'.repeat(5_000)}"`,
  `"azure:/${'a'.repeat(5_000)}"`,
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
];

const hostile = (random: Random): string => choose(random, random() < 0.03 ? BIG : HOSTILE);

const BALANCER = 'azure:/subscriptions/00000000-0000-4000-8000-000000000001/resourcegroups/a/providers/microsoft.network/loadbalancers/b';

/**
 * Members of every method that may be called without an end to the daemon or its sign-in. `daemon.stop` and `sign-out` do what
 * they say, so they have no place in a run that judges whether the daemon stays.
 */
const CALLS: Record<string, Record<string, string>> = {
  snapshot: {},
  'inventory.accounts': {},
  'inventory.balancers': { provider: '"azure"', accountId: '"none"', cursor: '"x"' },
  'inventory.parts': { resourceId: '"x:/y"' },
  'inventory.find': { text: '"edge"', limit: '5' },
  'inventory.resolve': { resourceId: '"x:/y"' },
  eligibility: { resourceId: '"x:/y"' },
  preview: { resourceId: JSON.stringify(BALANCER), roleId: '"backends"', authority: '"central"', duration: '600000' },
  request: {
    resourceId: JSON.stringify(BALANCER),
    roleId: '"backends"',
    authority: '"central"',
    duration: '600000',
    reason: '"INC-1"',
    idempotencyKey: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"',
  },
  'request.cancel': { requestId: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"' },
  'request.approve': { requestId: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"', reason: '"ok"' },
  'request.deny': { requestId: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"', reason: '"no"' },
  extend: {
    grantId: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"',
    duration: '600000',
    reason: '"INC-1"',
    idempotencyKey: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"',
  },
  revoke: { grantId: '"2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11"' },
  'revoke.all': {},
  'audit.query': { filter: '{"text":"a","kind":"signed-in"}', offset: '0', limit: '10' },
  'audit.facets': {},
  'sign-in': { to: '"central"' },
  'sign-in.session': { to: '"azure"', token: '"eyJ"', expiresAt: '1' },
  hello: { versions: '[1]', client: '{"name":"t","version":"1","kind":"editor"}' },
  ['__proto__']: {},
  constructor: {},
  toString: {},
};
const METHODS = Object.keys(CALLS);

const NAMES = ['__proto__', 'constructor', 'force', '', '\u0000', 'x'.repeat(500)] as const;

const joined = (members: readonly (readonly [string, string])[]): string =>
  `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;

/** A call in a right envelope: as it should be, or with hostile, duplicate, missing or unknown members. */
export function call(random: Random, id: number): string {
  const method = choose(random, METHODS);
  const members: [string, string][] = Object.entries(CALLS[method] ?? {});
  for (let times = below(random, 3); times > 0; times--) {
    const at = below(random, members.length);
    const name = members[at]?.[0] ?? 'x';
    switch (below(random, 5)) {
      case 0:
        members.push([name, hostile(random)]);
        break;
      case 1:
        members.push([choose(random, NAMES), hostile(random)]);
        break;
      case 2:
        members.splice(at, 1);
        break;
      default:
        if (members.length > 0) members[at] = [name, hostile(random)];
    }
  }
  const params = random() < 0.05 ? hostile(random) : joined(members);
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`;
}

/** A call with a wrong envelope, or with damaged bytes: most of these end the connection. */
export function brokenCall(random: Random, id: number): Buffer {
  const good = call(random, id);
  if (random() < 0.5) return damaged(random, Buffer.from(good.slice(0, 2_000)));
  const envelope: [string, string][] = [
    ['jsonrpc', '"2.0"'],
    ['id', String(id)],
    ['method', '"snapshot"'],
    ['params', '{}'],
  ];
  envelope[below(random, envelope.length)] = [choose(random, ['id', 'method', '__proto__', 'jsonrpc', 'x']), hostile(random)];
  if (random() < 0.3) envelope.push(['id', hostile(random)]);
  return Buffer.from(joined(envelope));
}

/** Something where a proof is awaited. */
export function brokenProof(random: Random, instance: string): Buffer {
  const hex = () => noise(random, 32).toString('hex');
  const proof = JSON.stringify({
    proof: 'c1',
    instance: random() < 0.5 ? instance : '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11',
    nonce: hex(),
    mac: hex(),
  });
  return random() < 0.5 ? Buffer.from(proof) : damaged(random, Buffer.from(proof));
}
