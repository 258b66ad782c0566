// `wicketgate demo`, the way a stranger meets the product.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { demo } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateways from '../lib/gateway.mjs';
import { until } from '../lib/refresher.mjs';
import { tellToTheEnd } from '../lib/story.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

let deployment;
let tools;

before(async () => {
  const upstream = await demoServer();
  tools = await allTools(upstream.url);
  await gateways.stop(upstream.program);
  deployment = await demo();
});

after(() => deployment.stop());

test('the demo prints where to connect and a command for each client', async () => {
  const [gateway] = deployment.gateways;
  // It listens a moment before it says all that.
  await until('the greeting', () => gateway.log.includes('Ctrl'));
  const { log } = gateway;
  assert.ok(log.includes(deployment.url), log);
  assert.ok(log.includes(`${deployment.issuer}/connect`), log);
  for (const hint of ['claude mcp add', 'codex mcp add', '@modelcontextprotocol/inspector', 'code --add-mcp']) {
    assert.ok(log.includes(hint), `${hint} in:\n${log}`);
  }
});

test('the demo has tools enough to be worth looking at, in all four scopes', () => {
  assert.ok(tools.length >= 24, `${tools.length} tools`);
});

test('discovery says the same in every form', async () => {
  await discover(deployment.url, SCOPES);
});

test('health and readiness are answered without a token', async () => {
  for (const path of ['/health', '/ready']) {
    const response = await fetch(`${deployment.issuer}${path}`);
    assert.equal(response.status, 200, path);
    await response.arrayBuffer();
  }
});

for (const [user, tick] of [['basic', 'default'], ['manager', 'all'], ['admin', 'all']]) {
  test(`${user} signs in with one click and uses exactly their tools`, async () => {
    const { url } = deployment;
    const setting = { url, ceiling: SCOPES, tools, user, tick, mode: MODES.automatic };
    deployment.secrets.push(...await tellToTheEnd(setting));
  });
}
