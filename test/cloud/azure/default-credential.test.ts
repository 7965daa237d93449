import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { CENTRAL_APP } from '../../clouds/azure/estate.ts';
import { scratch } from '../../support/scratch.ts';
import type { SignedIn } from './sign-in-process.ts';
import { type Stage, startStage } from './stage.ts';

const HEADER = 'header-of-this-host';

/** The endpoint that a host of Azure offers to what runs on it, as App Service has it. */
async function managedIdentity(t: Pick<TestContext, 'after'>, stage: Stage) {
  const asked: (string | null)[] = [];
  const server = createServer(async ({ url = '', headers }, response) => {
    const { searchParams } = new URL(url, 'http://localhost');
    const resource = searchParams.get('resource');
    asked.push(resource);
    if (headers['x-identity-header'] !== HEADER || searchParams.get('api-version') !== '2019-08-01' || resource === null) {
      response.writeHead(400).end();
      return;
    }
    const minted = await stage.azure.credential(CENTRAL_APP.oid).getToken(`${resource}/.default`);
    const expires = String(Math.floor((minted?.expiresOnTimestamp ?? 0) / 1_000));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: minted?.token, expires_on: expires, resource, token_type: 'Bearer' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`, asked };
}

/** A process of its own: the sign-in library remembers for life where it once found an identity. */
async function signedIn(stage: Stage, env: Record<string, string>): Promise<SignedIn> {
  const script = path.join(import.meta.dirname, 'sign-in-process.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(stage.settings)], { env, timeout: 60_000 });
  return JSON.parse(stdout);
}

test('without VS Code and the Azure CLI, the identity of the host signs in, says so, and Azure takes it', async (t) => {
  const stage = await startStage(t);
  const { endpoint, asked } = await managedIdentity(t, stage);
  const empty = scratch(t);
  const found = await signedIn(stage, { PATH: empty, HOME: empty, IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: HEADER });
  assert.deepEqual(found, { id: CENTRAL_APP.oid, name: 'Portcullis central', by: 'default credential', balancers: 24 });
  assert.deepEqual([...new Set(asked)], ['https://management.azure.com']);
  assert.ok(stage.azure.world.calls.all().every(({ oid, status }) => oid === CENTRAL_APP.oid && status === 200));
});
