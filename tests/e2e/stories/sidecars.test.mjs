// Several sidecars for one server, behind a front that gives each request to the next of them.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { connect, MODES } from '../lib/connection.mjs';
import { sidecars } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { tellToTheEnd } from '../lib/story.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const freshKey = () => randomBytes(32).toString('base64');

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

async function started(t, sealingKeys) {
  const deployment = await sidecars({ ceiling: SCOPES, upstream: upstream.url, sealingKeys });
  t.after(() => deployment.stop());
  return deployment;
}

for (const mode of ['legacy', 'pinned']) {
  test(`O1: with one key the whole story goes on through both, ${mode} client`, async (t) => {
    const key = freshKey();
    const deployment = await started(t, [key, key]);
    const setting = { url: deployment.url, ceiling: SCOPES, tools, user: 'admin', tick: 'all', mode: MODES[mode] };
    deployment.secrets.push(...await tellToTheEnd(setting));
  });
}

test('O1: with keys of their own they do not know the sessions of each other', async (t) => {
  const { url } = await started(t, [freshKey(), freshKey()]);
  await assert.rejects(async () => {
    const { client } = await connect({ url, mode: MODES.legacy, choices: { user: 'basic' } });
    for (let count = 0; count < 2; count += 1) await client.listTools();
  }, /session is not known|404/i);
});
