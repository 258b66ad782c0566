// Three people, two ceilings, and the official TypeScript client in each of its modes.
// Covers discovery, registration, the browser flow, lists, calls and refresh (A-02…A-06, B-01,
// PR-3, PR-4, MD-3, T-MCP-26), with one process on SQLite.

import { after, before, describe, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { tellToTheEnd } from '../lib/story.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

/** Managers and administrators tick what they need; everybody else takes the form as it is. */
const PEOPLE = [
  { user: 'basic', tick: 'default' },
  { user: 'manager', tick: 'default' },
  { user: 'manager', tick: 'all' },
  { user: 'admin', tick: 'all' },
];

for (const ceiling of [['mcp:read'], SCOPES]) {
  describe(`with the ceiling ${ceiling.join(' ')}`, () => {
    let deployment;
    before(async () => { deployment = await oneProcess({ ceiling, upstream: upstream.url }); });
    after(() => deployment.stop());

    test('discovery says the same in every form', async () => {
      await discover(deployment.url, ceiling);
    });

    for (const { user, tick } of PEOPLE) {
      for (const [name, mode] of Object.entries(MODES)) {
        test(`${user}, ${tick} ticks, ${name} client: lists, calls and refreshes`, async () => {
          const { url } = deployment;
          deployment.secrets.push(...await tellToTheEnd({ url, ceiling, tools, user, tick, mode }));
        });
      }
    }
  });
}
