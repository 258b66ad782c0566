// A PostgreSQL failover: the old primary comes back read-only at the address that everybody knows,
// then another node is the primary and the address leads there.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { connect, MODES } from '../lib/connection.mjs';
import { apart, oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { PostgresPair } from '../lib/postgres-pair.mjs';
import { Refresher, until } from '../lib/refresher.mjs';
import { secretsOf } from '../lib/story.mjs';
import { demoServer } from '../lib/upstreams.mjs';

/** Refreshes work again within this time of the new primary. */
const RECOVERY_LIMIT_MS = 5_000;
/** How many clients refresh all the time: enough to fill the pool of connections. */
const CLIENTS = 20;
/** How many refreshes a client is refused while no node takes changes, before the story goes on. */
const REFUSALS = 2;

const SHAPES = { 'one process': oneProcess, 'two processes': apart };

let upstream;
before(async () => { upstream = await demoServer(); });
after(() => gateway.stop(upstream.program));

for (const [shape, start] of Object.entries(SHAPES)) {
  describe(`a failover of PostgreSQL, ${shape}`, () => {
    let pair;
    let deployment;
    before(async () => {
      pair = await PostgresPair.start();
      deployment = await start({ ceiling: SCOPES, upstream: upstream.url, database: pair.url });
    });
    after(async () => {
      await deployment?.stop();
      await pair?.stop();
    });

    test('T-STO-07: refreshes work again within five seconds of the new primary', async () => {
      const { metadata } = await discover(deployment.url, SCOPES);
      const refreshers = [];
      for (let count = 0; count < CLIENTS; count += 1) {
        const connection = await connect({ url: deployment.url, mode: MODES.legacy, choices: { user: 'basic' } });
        deployment.secrets.push(...secretsOf(connection));
        await connection.client.close();
        refreshers.push(new Refresher(metadata, connection.provider));
      }
      const all = (holds) => refreshers.every(holds);
      await until('everybody refreshes', () => all((one) => one.worksSince > 0));

      await pair.demoteFirst();
      assert.equal(pair.first.ask('SELECT pg_is_in_recovery()'), 't', 'the first node is read-only');
      const before = refreshers.map((one) => one.refusals);
      await until('the read-only node was asked', () => refreshers.every((one, index) => one.refusals >= before[index] + REFUSALS));
      assert.equal((await fetch(`${deployment.issuer}/ready`)).status, 503, 'it is not ready with a read-only node');

      await pair.promoteSecond();
      pair.leadTo(pair.second);
      const promoted = performance.now();
      await until('everybody refreshes again', () => all((one) => one.worksSince > promoted), RECOVERY_LIMIT_MS);
      const took = Math.max(...refreshers.map((one) => one.worksSince)) - promoted;
      console.log(`refreshes of ${CLIENTS} clients worked ${Math.round(took)} ms after the new primary`);

      await Promise.all(refreshers.map((one) => one.stop()));
      deployment.secrets.push(...refreshers.flatMap((one) => one.tokens));
      assert.equal((await fetch(`${deployment.issuer}/ready`)).status, 200);
    });
  });
}
