// The conformance suite across generations: a client of each revision with a server that knows only
// the other one (D-30…D-42, D-50…D-61). Every required scenario, but for what the other revision has
// no words for; those are named here check by check, and must really be missing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withBearer } from '../lib/door.mjs';
import { READ_RULES } from '../lib/configs.mjs';
import { failures, judge, required } from '../lib/conformance.mjs';
import { oneProcess, urlOf } from '../lib/deployment.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance } from '../lib/upstreams.mjs';

const NO_KEYS = 'the suite wants the server\'s own name for its question, and a question of 2025 has none';
const NO_ERROR = 'a server of 2025 has no -32021: its tool reports what the client cannot do';

/** The server's era, and what cannot be said in it: check → why. */
const BRIDGES = {
  '2025-11-25': { eras: 'modern', unsayable: {} },
  '2026-07-28': {
    eras: '2025-11-25',
    unsayable: {
      'sep-2322-elicitation-incomplete': NO_KEYS,
      'sep-2575-server-rejects-undeclared-capability': NO_ERROR,
      'sep-2575-missing-capability-http-400': NO_ERROR,
    },
  },
};

const running = [];
const doors = {};
let deployment;

before(async () => {
  const servers = await Promise.all(Object.values(BRIDGES).map(async ({ eras }, at) => {
    const upstream = await conformance(eras);
    running.push(upstream);
    return { name: at === 0 ? 'default' : eras, upstream: upstream.url, rules: READ_RULES };
  }));
  deployment = await oneProcess({ ceiling: ['mcp:read'], servers });
  for (const [at, revision] of Object.keys(BRIDGES).entries()) {
    const url = urlOf(deployment, servers[at].name);
    const { token, secrets } = await tokenFor(url);
    deployment.secrets.push(...secrets);
    doors[revision] = await withBearer(url, token);
  }
});

after(async () => {
  for (const door of Object.values(doors)) await door.close();
  await deployment?.stop();
  for (const { program } of running) await program.stop();
});

for (const [revision, { eras, unsayable }] of Object.entries(BRIDGES)) {
  describe(`a client of ${revision} with a server of ${eras === 'modern' ? '2026-07-28' : eras}`, () => {
    let found;
    before(async () => { found = await judge(doors[revision].url, revision); });

    for (const scenario of required(revision)) {
      test(scenario, () => {
        const failed = failures(scenario, found.get(scenario)).filter(({ id }) => !unsayable[id]);
        assert.deepEqual(failed.map(({ said }) => said), []);
      });
    }

    for (const [check, why] of Object.entries(unsayable)) {
      test(`${check} cannot be said: ${why}`, () => {
        const all = required(revision).flatMap((scenario) => failures(scenario, found.get(scenario)));
        assert.ok(all.some(({ id }) => id === check), 'it passes, and is no exception any more');
      });
    }
  });
}
