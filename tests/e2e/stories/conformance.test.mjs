// The official conformance suite in front of the gateway: every scenario that a revision requires,
// none excluded, and each check as it comes out without a gateway (C-01…C-93 as the suite tests
// them, D-01…D-06).

import { after, before, describe, test } from 'node:test';
import { withBearer } from '../lib/door.mjs';
import { READ_RULES } from '../lib/configs.mjs';
import { judge, mustPass, required } from '../lib/conformance.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance } from '../lib/upstreams.mjs';

let upstream;
let deployment;
let door;

before(async () => {
  upstream = await conformance();
  deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: upstream.url, rules: READ_RULES });
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
