import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { Agent, fetch } from 'undici';
import * as v from 'valibot';
import { FileDirectory } from '../../central/people/directory.ts';
import { type Central, type CentralParts, type CentralSettings, DEFAULTS, startCentral } from '../../central/serve.ts';
import { CENTRAL, centralAnswer } from '../../protocol/central-api.ts';
import type { ElevationRequest, Grant } from '../../protocol/model.ts';
import type { Answer } from '../../protocol/refusal.ts';
import { makeCertificates } from '../clouds/certificates.ts';
import { type Identity, startIdentity } from '../identity/provider.ts';
import { unanswered } from '../support/answers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scratch } from '../support/scratch.ts';
import { sqliteHere } from '../support/sqlite-here.ts';
import { FakeCloud } from './fake-cloud.ts';
import { balancerId, EXAMPLE_POLICY, PEOPLE, type PersonName, ROLE_TREE } from './samples.ts';

export const AUDIENCE = 'https://portcullis.example';

type Endpoint = keyof typeof CENTRAL;
type Value<E extends Endpoint> = v.InferOutput<(typeof CENTRAL)[E]['value']>;
export interface Said<T> {
  status: number;
  answer: Answer<T>;
}

type CloudSide = Pick<CentralParts, 'provider' | 'granting' | 'roles'>;

/** Central with a real identity provider over real HTTPS, a cloud in memory and a clock that the test moves. */
export class Stage {
  readonly clock: ManualClock;
  readonly cloud: FakeCloud;
  readonly identity: Identity;
  readonly agent: Agent;
  readonly settings: CentralSettings;
  readonly log: string[] = [];
  readonly #dir: string;
  readonly #tokens = new Map<string, string>();
  #side: CloudSide | undefined;
  central: Central | undefined;

  private constructor(parts: Pick<Stage, 'clock' | 'cloud' | 'identity' | 'agent' | 'settings'>, dir: string) {
    this.clock = parts.clock;
    this.cloud = parts.cloud;
    this.identity = parts.identity;
    this.agent = parts.agent;
    this.settings = parts.settings;
    this.#dir = dir;
  }

  /** @param azure The provider to use instead of the cloud in memory. */
  static async open(
    t: TestContext,
    changes: Partial<CentralSettings> = {},
    azure?: (clock: ManualClock) => Promise<CloudSide>,
  ): Promise<Stage> {
    const dir = scratch(t);
    const certificates = await makeCertificates();
    // Tokens are of real time: the clock starts there and is moved from there.
    const clock = new ManualClock(Math.floor(performance.timeOrigin + performance.now()));
    const people = Object.values(PEOPLE).map(({ id, name, azureObjectId }) => ({ id, name, oid: azureObjectId }));
    const identity = await startIdentity({ people, audience: AUDIENCE, certificates, accessTokenSeconds: 86_400 });
    const agent = new Agent({ connect: { ca: certificates.ca } });
    const settings: CentralSettings = {
      ...DEFAULTS,
      listen: { host: '127.0.0.1', port: 0, cert: certificates.cert, key: certificates.key },
      storeFile: path.join(dir, 'central.db'),
      issuer: identity.issuer,
      issuerCa: certificates.ca,
      audience: AUDIENCE,
      clientId: identity.clientId,
      resourceIndicator: true,
      policyDir: EXAMPLE_POLICY,
      version: 'test',
      ...changes,
    };
    const stage = new Stage({ clock, cloud: new FakeCloud(clock), identity, agent, settings }, dir);
    stage.#side = await azure?.(clock);
    writeFileSync(stage.directoryFile, JSON.stringify({ people: Object.values(PEOPLE) }));
    t.after(async () => {
      const silent = await stage.#unanswered();
      await stage.central?.close();
      await identity.close();
      await agent.close();
      assert.deepEqual(silent, []);
    });
    await stage.start();
    return stage;
  }

  get directoryFile(): string {
    return path.join(this.#dir, 'people.json');
  }

  async start(): Promise<void> {
    this.central = await startCentral({
      settings: this.settings,
      clock: this.clock,
      ...(this.#side ?? { provider: this.cloud, granting: this.cloud, roles: ROLE_TREE }),
      directory: new FileDirectory(this.directoryFile, this.settings.issuer),
      directoryFile: this.directoryFile,
      logger: pino({ level: 'info' }, { write: (line: string) => void this.log.push(line) }),
      random: () => 0.5,
      sqlite: sqliteHere,
    });
  }

  /** Of all that a test has put into the record, where central still runs and is to be asked. */
  async #unanswered(): Promise<string[]> {
    if (!this.central) return [];
    const { answer } = await this.call('carla', 'record');
    if (answer.ok) return unanswered(answer.value.events);
    // Some tests are about just that.
    const { code, message } = answer.refusal;
    return code === 'not-signed-in' || code === 'rate-limited' ? [] : [`The record is not shown: ${message}`];
  }

  async stop(): Promise<void> {
    await this.central?.close();
    this.central = undefined;
  }

  async token(who: PersonName): Promise<string> {
    const known = this.#tokens.get(who);
    if (known) return known;
    const { accessToken } = await this.identity.signIn(PEOPLE[who].id);
    this.#tokens.set(who, accessToken);
    return accessToken;
  }

  /** One call as one person, checked against the contract. */
  async call<E extends Endpoint>(
    who: PersonName,
    endpoint: E,
    given: { id?: string; query?: string; body?: unknown } = {},
  ): Promise<Said<Value<E>>> {
    const { method, path: where } = CENTRAL[endpoint];
    const body = given.body ?? (CENTRAL[endpoint].body ? {} : undefined);
    const { status, json } = await this.raw(
      method,
      where.replace(':id', given.id ?? '') + (given.query ?? ''),
      await this.token(who),
      body,
    );
    return { status, answer: v.parse(centralAnswer(endpoint), json) as Answer<Value<E>> };
  }

  async raw(
    method: string,
    where: string,
    token: string | undefined,
    body?: unknown,
  ): Promise<{ status: number; json: unknown; headers: Headers }> {
    const response = await fetch(`${this.central?.url}${where}`, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      dispatcher: this.agent,
    });
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : undefined, headers: response.headers as unknown as Headers };
  }

  /** Asks, and lets what follows from it happen. */
  async ask(who: PersonName, changes: Record<string, unknown> = {}): Promise<Said<ElevationRequest>> {
    const body = {
      id: randomUUID(),
      resourceId: balancerId('prod-edge'),
      roleId: 'backends',
      duration: 900_000,
      reason: 'Drain web-1',
      ...changes,
    };
    const said = await this.call(who, 'request', { body });
    await this.clock.advance(5);
    return said;
  }

  async grants(who: PersonName): Promise<Grant[]> {
    const { answer } = await this.call(who, 'state');
    if (!answer.ok) throw new Error(answer.refusal.message);
    return answer.value.grants;
  }

  async grant(who: PersonName, id: string | undefined): Promise<Grant> {
    const grant = (await this.grants(who)).find((each) => each.id === id);
    if (!grant) throw new Error(`${who} sees no grant ${id}`);
    return grant;
  }

  async request(who: PersonName, id: string): Promise<ElevationRequest> {
    const { answer } = await this.call(who, 'state');
    const request = answer.ok ? answer.value.requests.find((each) => each.id === id) : undefined;
    if (!request) throw new Error(`${who} sees no request ${id}`);
    return request;
  }

  /** Granted at once, and usable. */
  async elevated(who: PersonName, changes: Record<string, unknown> = {}): Promise<string> {
    const { answer } = await this.ask(who, changes);
    if (!answer.ok || !answer.value.grantId) throw new Error(`Not granted: ${JSON.stringify(answer)}`);
    const id = answer.value.grantId;
    await this.call(who, 'heartbeat', { id, body: { instance: 'daemon-1' } });
    await this.observe(who, id, 'allowed');
    return id;
  }

  async observe(who: PersonName, id: string, access: 'allowed' | 'denied'): Promise<void> {
    await this.call(who, 'observed', { id, body: { access, at: this.clock.now() } });
    await this.clock.advance(5);
  }
}

export function accepted<T>({ answer }: Said<T>): T {
  if (!answer.ok) throw new Error(`Refused: ${JSON.stringify(answer.refusal)}`);
  return answer.value;
}

export function refusalOf<T>({ answer }: Said<T>): {
  code: string;
  message: string;
  field?: string | undefined;
  wayOut?: string | undefined;
} {
  if (answer.ok) throw new Error(`Not refused: ${JSON.stringify(answer.value)}`);
  return answer.refusal;
}
