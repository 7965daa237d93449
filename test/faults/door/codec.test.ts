import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { dispatch, type Handlers } from '../../../daemon/door/methods.ts';
import { DoorProof, UsedNonces } from '../../../daemon/door/proof.ts';
import { hmac, nonce, same } from '../../../daemon/door/secrets.ts';
import { connect, proofText } from '../../../protocol/client.ts';
import { Fault } from '../../../protocol/fault.ts';
import { readJson } from '../../../protocol/json.ts';
import { METHODS, type Method, RpcRequest } from '../../../protocol/messages.ts';
import { DaemonState } from '../../../protocol/state.ts';
import { seededRandom } from '../../clouds/azure/random.ts';
import { memoryLog } from '../../daemon/support/stage.ts';
import { INSTANCE, STATE } from '../../support/daemon-state.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { brokenCall, brokenProof, call, damaged } from './mutations.ts';

// Every input becomes a message or a refusal, and nothing is ever thrown: on both ends of the door.

const seed = fc.integer({ min: 0, max: 2 ** 31 });
const names = Object.keys(METHODS).filter((name): name is Exclude<Method, 'hello'> => name !== 'hello');

/** Handlers that note what reached them, and say no. */
function noting(): { handlers: Handlers; reached: [string, unknown][] } {
  const reached: [string, unknown][] = [];
  const handler = (name: string) => (params: unknown) => {
    reached.push([name, params]);
    throw new Fault('timed-out', 'Not today');
  };
  return { reached, handlers: Object.fromEntries(names.map((name) => [name, handler(name)])) as unknown as Handlers };
}

async function judge(text: string): Promise<void> {
  const request = v.safeParse(RpcRequest, readJson(text));
  if (!request.success) return;
  const { handlers, reached } = noting();
  const { method, params } = request.output;
  const log = memoryLog();
  const outcome = await dispatch(handlers, method, params, log);
  assert.deepEqual(Object.keys(outcome).length, 1, 'a result or an error');
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error'),
    [],
    'no bug of ours',
  );
  assert.ok(JSON.stringify(outcome).length < 16_384, 'what is refused is not said back at length');
  const schema = names.find((name) => name === method);
  if ('result' in outcome) assert.ok(schema && v.is(METHODS[schema].result, outcome.result), 'its own client would take it');
  for (const [name, given] of reached) {
    assert.equal(name, method);
    // Only what the schema says, and nothing that came by way of a prototype.
    assert.deepEqual(v.parse(METHODS[schema as Method].params, given), given);
    assert.equal(Object.getPrototypeOf(given), Object.prototype);
  }
  assert.equal((Object.prototype as Record<string, unknown>)['polluted'], undefined);
}

test('the daemon: calls of every shape', async () => {
  await fc.assert(
    fc.asyncProperty(seed, fc.boolean(), async (number, broken) => {
      const random = seededRandom(number);
      await judge(broken ? brokenCall(random, 1).toString() : call(random, 1));
    }),
    { numRuns: 5_000 },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue(), async (method, params) => {
      await judge(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    }),
    { numRuns: 2_000 },
  );
});

const SECRET = nonce();

test('the daemon: where a proof is awaited, everything is refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        seed.map((number) => brokenProof(seededRandom(number), 'i').toString()),
      ),
      (text) => {
        assert.equal(
          new DoorProof((text) => hmac(SECRET, text), '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11', new UsedNonces()).take(text),
          'refused',
        );
      },
    ),
    { numRuns: 5_000 },
  );
});

const SAID: readonly string[] = [
  { jsonrpc: '2.0', id: 2, result: { seq: 9, state: STATE } },
  { jsonrpc: '2.0', id: 2, error: { code: -32_603, message: 'x', data: {} } },
  { jsonrpc: '2.0', id: null, error: { code: 1, message: 'x' } },
  {
    jsonrpc: '2.0',
    method: 'changed',
    params: { seq: 1, at: 0, change: { type: 'inventory', inventory: { revision: 1, refreshing: true } } },
  },
  { jsonrpc: '2.0', method: 'changed', params: { seq: 1, at: 0, change: { type: 'sign-in', signIn: { to: 'azure', state: 'failed' } } } },
  { jsonrpc: '2.0', method: 'changed', params: { seq: 7, at: 0, change: { type: 'stopping' } } },
  { jsonrpc: '2.0', method: 'changed', params: { seq: 1, at: 0, change: { type: 'grant.forgotten', grantId: '__proto__' } } },
].map((message) => JSON.stringify(message));

test('the client: whatever a daemon says after its proof, the state stays a state', async () => {
  const said = fc.oneof(
    fc.string(),
    fc.json(),
    fc.tuple(seed, fc.constantFrom(...SAID)).map(([number, text]) => damaged(seededRandom(number), Buffer.from(text)).toString()),
    fc.constantFrom(...SAID),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(said, { maxLength: 12 }), async (texts) => {
      const secret = nonce();
      let hear: (text: string) => void = () => {};
      const wire = {
        onText: (listener: (text: string) => void) => {
          hear = listener;
        },
        onClose: () => {},
        close: () => {},
        send: (text: string) => {
          const message = JSON.parse(text) as { proof?: string; nonce: string; id: number; method: string };
          const own = nonce();
          if (message.proof === 'c1') say({ proof: 'd', nonce: own, mac: hmac(secret, proofText('d', message.nonce, own)) });
          if (message.method === 'hello')
            say({ jsonrpc: '2.0', id: message.id, result: { version: 1, snapshot: { seq: 0, state: STATE } } });
        },
      };
      const say = (message: unknown) => queueMicrotask(() => hear(JSON.stringify(message)));
      const parts = { wire, entry: { instance: INSTANCE, secret }, clock: new ManualClock(), hmac, same, nonce };
      const client = await connect({ ...parts, client: { name: 't', version: '1', kind: 'terminal' } });
      client.call('snapshot', {}).catch(() => {});
      for (const text of texts) hear(text);
      await settle();
      assert.ok(v.is(DaemonState, client.state));
    }),
    { numRuns: 1_000 },
  );
});
