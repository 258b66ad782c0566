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
import { secretsOf } from '../lib/story.mjs';
import { refresh } from '../lib/tokens.mjs';
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

/** A client that refreshes without a pause, and always with the last token that it was given. */
class Refresher {
  refusals = 0;
  worksSince = 0;
  #metadata;
  #provider;
  #token;
  #stopped = false;
  tokens = [];

  constructor(metadata, provider) {
    this.#metadata = metadata;
    this.#provider = provider;
    this.#token = provider.tokens().refresh_token;
    this.run = this.#go();
    // A failure is told where the run is awaited.
    this.run.catch(() => {});
  }

  async #go() {
    while (!this.#stopped) {
      const response = await refresh(this.#metadata, this.#provider, this.#token);
      const answer = await response.json();
      if (response.status === 200) {
        this.worksSince ||= performance.now();
        this.#token = answer.refresh_token;
        this.tokens.push(answer.access_token, answer.refresh_token);
      } else {
        // Nothing is lost, and the client is told to come again (T-STO-07).
        assert.equal(response.status, 503, JSON.stringify(answer));
        assert.equal(answer.error, 'temporarily_unavailable');
        assert.ok(Number(response.headers.get('retry-after')) > 0);
        this.refusals += 1;
        this.worksSince = 0;
      }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  stop() {
    this.#stopped = true;
    return this.run;
  }
}

async function until(what, holds, limitMs = 30_000) {
  const start = performance.now();
  while (!holds()) {
    assert.ok(performance.now() - start < limitMs, `after ${limitMs} ms not yet: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

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
