// The server at a path of somebody else's host, behind nginx.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { atPath } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startDocumentedNginx } from '../lib/nginx.mjs';
import { freePort } from '../lib/program.mjs';
import { tellToTheEnd } from '../lib/story.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

let upstream;
let deployment;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
  deployment = await atPath({ ceiling: SCOPES, upstream: upstream.url });
});

after(async () => {
  await deployment.stop();
  await gateway.stop(upstream.program);
});

test('discovery says the same in every form that a path has', async () => {
  const { issuer } = await discover(deployment.url, SCOPES);
  assert.equal(issuer, deployment.issuer);
  assert.match(issuer, /\/wfgen$/);
});

test('T-META-03: an issuer that does not exist has no metadata', async () => {
  const forms = ['/.well-known/oauth-authorization-server/other', '/.well-known/oauth-authorization-server'];
  for (const form of forms) {
    const response = await fetch(deployment.behindProxy + form);
    await response.arrayBuffer();
    assert.equal(response.status, 404, form);
  }
});

test('nothing else of the host leads to the gateway', async () => {
  const { origin } = new URL(deployment.url);
  for (const path of ['/mcp', '/authorize', '/.well-known/oauth-protected-resource']) {
    const response = await fetch(origin + path);
    await response.arrayBuffer();
    assert.equal(response.status, 404, path);
  }
});

for (const [user, tick, mode] of [['basic', 'default', 'pinned'], ['manager', 'all', 'legacy'], ['admin', 'all', 'automatic']]) {
  test(`${user}, ${mode} client: the whole story`, async () => {
    const setting = { url: deployment.url, ceiling: SCOPES, tools, user, tick, mode: MODES[mode] };
    deployment.secrets.push(...await tellToTheEnd(setting));
  });
}

test('while the gateway is away, the proxy says to clients that they should wait', async (t) => {
  const [port, nobody] = [await freePort(), await freePort()];
  const headings = ['Behind a reverse proxy', "The proxy's own error pages"];
  const proxy = await startDocumentedNginx({ headings, prefix: deployment.file('away'), port, gatewayPort: nobody });
  t.after(() => proxy.stop());
  const response = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token' }) });
  assert.equal(response.status, 503);
  assert.match(response.headers.get('content-type'), /^application\/json/);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
  assert.deepEqual(await response.json(), { error: 'temporarily_unavailable' });
});
