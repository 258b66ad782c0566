// The same story in every shape in which the server can run, and revocation in both.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { connect, disconnect, MODES, mustAuthorize } from '../lib/connection.mjs';
import { apart, freshDatabase, oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { secretsOf, tellToTheEnd } from '../lib/story.mjs';
import { mustBecomeUseless, mustNotRefresh, knock, revoke } from '../lib/tokens.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

/** A revoked grant's access tokens end at the sidecar within this time. */
const REVOCATION_LIMIT_MS = 5_000;

const SHAPES = {
  'one process on SQLite': (how) => oneProcess(how),
  'one process on PostgreSQL': (how) => oneProcess({ ...how, database: freshDatabase() }),
  'two processes, SQLite': (how) => apart(how),
  'two processes, PostgreSQL': (how) => apart({ ...how, database: freshDatabase() }),
};

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

for (const [shape, start] of Object.entries(SHAPES)) {
  describe(shape, () => {
    let deployment;
    before(async () => { deployment = await start({ ceiling: SCOPES, upstream: upstream.url }); });
    after(() => deployment.stop());

    for (const [user, tick, mode] of [['basic', 'default', 'legacy'], ['manager', 'all', 'automatic'], ['admin', 'all', 'pinned']]) {
      test(`${user}, ${mode} client: the whole story`, async () => {
        const setting = { url: deployment.url, ceiling: SCOPES, tools, user, tick, mode: MODES[mode] };
        deployment.secrets.push(...await tellToTheEnd(setting));
      });
    }

    test('RV-3: a revoked grant ends its access tokens at the MCP endpoint in time', async () => {
      const { metadata } = await discover(deployment.url, SCOPES);
      const ended = await connect({ url: deployment.url, mode: MODES.legacy, choices: { user: 'basic' } });
      const other = await connect({ url: deployment.url, mode: MODES.legacy, choices: { user: 'basic' } });
      const token = ended.provider.tokens().access_token;
      assert.notEqual((await knock(deployment.url, token)).status, 401, 'good until it is revoked');
      await revoke(metadata, ended.provider);
      await mustBecomeUseless(deployment.url, token, REVOCATION_LIMIT_MS);
      await mustNotRefresh(metadata, ended.provider);
      await mustAuthorize(ended.client.callTool({ name: 'list_requests', arguments: {} }));
      const still = await other.client.callTool({ name: 'list_requests', arguments: {} });
      assert.ok(!still.isError, 'another grant of the same person lives on');
      deployment.secrets.push(...secretsOf(ended), ...secretsOf(other));
      await ended.client.close();
      await disconnect(other);
    });
  });
}
