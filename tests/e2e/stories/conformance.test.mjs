// The official conformance suite in front of the gateway: every scenario that a revision requires,
// none excluded, and each check as it comes out without a gateway (C-01…C-93 as the suite tests
// them, D-01…D-06); and what it asks of an authorization server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withBearer } from '../lib/door.mjs';
import { READ_RULES } from '../lib/configs.mjs';
import { AUTHORIZATION, failures, judge, judgeAuthorization, mustPass, required } from '../lib/conformance.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance } from '../lib/upstreams.mjs';

/** The suite registers nobody. */
const CLIENTS = [{ id: 'conformance', redirect_uris: ['http://127.0.0.1/callback'] }];

let upstream;
let deployment;
let door;

before(async () => {
  upstream = await conformance();
  deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: upstream.url, rules: READ_RULES, clients: CLIENTS });
  const { token, secrets } = await tokenFor(deployment.url);
  deployment.secrets.push(...secrets);
  door = await withBearer(deployment.url, token);
});

after(async () => {
  await door.close();
  await deployment.stop();
  await upstream.program.stop();
});

for (const revision of ['2025-11-25', '2026-07-28']) {
  describe(`revision ${revision}`, () => {
    let direct;
    let through;
    before(async () => {
      [direct, through] = await Promise.all([upstream.url, door.url].map((url) => judge(url, revision)));
    });

    for (const scenario of required(revision)) {
      test(scenario, () => mustPass(scenario, through.get(scenario), direct.get(scenario)));
    }
  });
}

describe('the authorization server', () => {
  const resources = { 'without a resource': () => undefined, 'for a resource': () => deployment.url };
  for (const [what, resource] of Object.entries(resources)) {
    describe(what, () => {
      let found;
      before(async () => {
        const asked = { issuer: deployment.issuer, clientId: 'conformance', resource: resource(), choices: { user: 'basic' } };
        found = await judgeAuthorization(asked);
        deployment.secrets.push(...found.codes);
      });

      for (const scenario of AUTHORIZATION) {
        test(scenario, () => {
          const checks = found.checks.get(scenario);
          assert.deepEqual(failures(scenario, checks).map(({ said }) => said), []);
          assert.ok(checks.every(({ status }) => status === 'SUCCESS'), JSON.stringify(checks));
        });
      }
    });
  }
});
