// Programs that act for themselves (RFC 6749 §4.4, MCP extension oauth-client-credentials), with the
// providers of both official clients: they discover, prove who they are with a secret or a signature
// of their own libraries, and use their tools.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, ClientCredentialsProvider, PrivateKeyJwtProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { allTools, scopeOf } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../.venv/bin/python');
const LIMIT_MS = 60_000;
const SECRET = 'e2e-machine-secret: %+/=0123456789';

/** A key pair as operators make them: a PEM file for the program, a JWK for the configuration. */
function pair(type, options) {
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }), jwk: publicKey.export({ format: 'jwk' }) };
}

const KEYS = {
  RS256: pair('rsa', { modulusLength: 2048 }),
  ES256: pair('ec', { namedCurve: 'P-256' }),
};
const SIGNERS = Object.entries(KEYS).map(([algorithm, { pem }]) => ({ id: `signs-${algorithm}`, algorithm, pem }));

/** What each may do, whatever it asks for. */
const ASSIGNED = { grant_types: ['client_credentials'], servers: ['default'], scopes: ['mcp:read'] };

let upstream;
let expected;
let deployment;

before(async () => {
  upstream = await demoServer();
  expected = (await allTools(upstream.url)).filter((tool) => scopeOf(tool) === 'mcp:read').toSorted();
  deployment = await oneProcess({
    ceiling: SCOPES,
    upstream: upstream.url,
    clients: [
      { id: 'keeps-a-secret', secret: SECRET, ...ASSIGNED },
      ...SIGNERS.map(({ id, algorithm }) => (
        { id, jwks: JSON.stringify({ keys: [KEYS[algorithm].jwk] }), ...ASSIGNED })),
    ],
  });
  deployment.secrets.push(SECRET);
});

after(async () => {
  await deployment.stop();
  await gateway.stop(upstream.program);
});

/** It connects without a person, sees what it was assigned, and uses it. */
async function works(t, provider) {
  const client = new Client({ name: 'e2e-machine', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(deployment.url), { authProvider: provider }));
  t.after(() => client.close());
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), expected);
  const answer = await client.callTool({ name: 'list_requests', arguments: {} });
  assert.ok(!answer.isError, JSON.stringify(answer.content));
  const tokens = provider.tokens();
  deployment.secrets.push(tokens.access_token);
  assert.deepEqual([tokens.scope, tokens.refresh_token], ['mcp:read', undefined]);
}

// F-20, F-23: whatever these ask for, or leave to what the challenge names.
describe('the TypeScript client', () => {
  for (const scope of [undefined, 'mcp:read mcp:write']) {
    test(`with a secret, asking for ${scope ?? 'nothing'}`, (t) => works(t, new ClientCredentialsProvider({
      clientId: 'keeps-a-secret', clientSecret: SECRET, scope, expectedIssuer: deployment.issuer,
    })));
  }

  for (const { id, algorithm, pem } of SIGNERS) {
    test(`signing with ${algorithm}`, (t) => works(t, new PrivateKeyJwtProvider({
      clientId: id, privateKey: pem, algorithm, expectedIssuer: deployment.issuer,
    })));
  }
});

describe('the Python client', () => {
  const cases = [
    ...['client_secret_basic', 'client_secret_post'].map((method) => (
      { what: `with a secret by ${method}`, client_id: 'keeps-a-secret', secret: SECRET, method })),
    ...SIGNERS.map(({ id, algorithm, pem }) => (
      { what: `signing with ${algorithm}`, client_id: id, algorithm, pem })),
  ];
  for (const { what, ...setting } of cases) {
    test(what, () => {
      const input = JSON.stringify({ url: deployment.url, issuer: deployment.issuer, expected, ...setting });
      const run = spawnSync(python, [here('../python/machine.py')], { input, encoding: 'utf8', timeout: LIMIT_MS });
      assert.equal(run.status, 0, `${run.stderr}\n${run.error ?? ''}`);
      deployment.secrets.push(...JSON.parse(run.stdout));
    });
  }
});
