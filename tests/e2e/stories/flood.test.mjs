// A4: whoever floods what needs no sign-in keeps nobody out, and fills neither disk nor memory.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { SCOPES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { behindNginx } from '../lib/deployment.mjs';
import { addresses, Flood } from '../lib/flood.mjs';
import * as gateway from '../lib/gateway.mjs';
import { secretsOf } from '../lib/story.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const ADDRESSES = 200;
/** Forty seconds in `make test`; `make soak` floods for two minutes. */
const FLOOD_MS = 1_000 * Number(process.env.WICKETGATE_FLOOD_SECONDS ?? 40);
/** An honest person is connected within this time, flood or not. */
const CONNECT_LIMIT_MS = 20_000;
/** What memory may grow by, once it has seen everything. */
const GROWTH_LIMIT_KIB = 24 * 1024;
/** What docs/security.md says. */
const UNUSED_CLIENTS = 10_000;
const REGISTRATIONS_PER_MINUTE = 120;
const DATABASE_LIMIT = 400_000_000;
/** 15 s for a body, and the time of a busy machine. */
const SLOW_BODY_LIMIT_MS = 25_000;

const minutes = FLOOD_MS / 60_000;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function memoryKib(program) {
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]);
}

function rows(path, query) {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(Object.values(database.prepare(query).get())[0]);
  } finally {
    database.close();
  }
}

describe('a flood from two hundred addresses, behind the documented nginx', () => {
  let upstream;
  let deployment;
  before(async () => {
    upstream = await demoServer();
    deployment = await behindNginx({ ceiling: SCOPES, upstream: upstream.url });
  });
  after(async () => {
    await deployment?.stop();
    await gateway.stop(upstream.program);
  });

  test('A4: honest people connect throughout; database and memory stay bounded', async () => {
    const at = (path, base = deployment.issuer) => `${base}${path}`;
    const direct = ['/token', '/register', '/revoke', '/authorize/consent'].map((path) => at(path, deployment.behindProxy));
    const [process] = deployment.gateways;
    const database = deployment.file('wicketgate.db');
    const places = { register: at('/register'), authorize: at('/authorize'), mcp: deployment.url, direct };
    const flood = new Flood(places, addresses(ADDRESSES));
    const end = performance.now() + FLOOD_MS;
    let connected = 0;
    let slowest = 0;
    let memoryOnceWarm;
    try {
      while (performance.now() < end) {
        const start = performance.now();
        const connection = await connect({ url: deployment.url, mode: MODES.automatic, choices: { user: 'manager' } });
        const answer = await connection.client.callTool({ name: 'list_requests', arguments: {} });
        assert.ok(!answer.isError);
        slowest = Math.max(slowest, performance.now() - start);
        connected += 1;
        deployment.secrets.push(...secretsOf(connection));
        await disconnect(connection);
        if (end - performance.now() < FLOOD_MS / 2) memoryOnceWarm ??= memoryKib(process);
        await pause(2_000);
      }
    } finally {
      await flood.stop();
    }
    const grown = memoryKib(process) - memoryOnceWarm;
    const size = statSync(database).size + statSync(`${database}-wal`).size;
    console.log(JSON.stringify({ connected, slowest: Math.round(slowest), grown, size, answers: flood.answers }));

    assert.ok(connected >= 10 * minutes, `${connected} people connected`);
    assert.ok(slowest < CONNECT_LIMIT_MS, `somebody needed ${slowest} ms`);
    assert.ok(grown < GROWTH_LIMIT_KIB, `memory grew by ${grown} KiB in the second half`);
    for (const [kind, answers] of Object.entries(flood.answers)) {
      const failures = Object.keys(answers).filter((status) => status.startsWith('5'));
      assert.deepEqual(failures, [], `${kind}: ${JSON.stringify(answers)}`);
    }

    // A1: what an address claims to be lifts no limit. The bucket is full once at the beginning.
    const most = REGISTRATIONS_PER_MINUTE * (minutes + 1.5);
    for (const [address, count] of flood.registered) assert.ok(count <= most, `${address} registered ${count} times`);
    assert.ok(flood.answers.register[429] > 0, 'the greedy address met its limit');

    assert.ok(flood.answers['slow body'][408] > ADDRESSES, JSON.stringify(flood.answers));
    assert.ok(flood.longestDripMs < SLOW_BODY_LIMIT_MS, `a body was waited for for ${flood.longestDripMs} ms`);

    assert.ok(size < DATABASE_LIMIT, `the database has ${size} bytes`);
    const unused = rows(database, 'SELECT COUNT(*) FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL');
    assert.ok(unused <= UNUSED_CLIENTS, `${unused} unused clients`);
    // Refusals of strangers are counted, not listed one by one.
    const refusals = flood.answers['bad token'][401] + flood.answers['bad origin'][403];
    const events = rows(database, "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'mcp.denied'");
    assert.ok(events < refusals / 10, `${events} rows for ${refusals} refusals`);
  });
});
