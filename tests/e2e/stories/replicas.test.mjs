// Three replicas on one PostgreSQL, behind an nginx that takes them in turn: people, races, a replica
// that is killed, and a database that restarts and stays away.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { connect, MODES } from '../lib/connection.mjs';
import { replicas } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { PostgresNode } from '../lib/postgres-node.mjs';
import { Refresher, until } from '../lib/refresher.mjs';
import { secretsOf, tellToTheEnd } from '../lib/story.mjs';
import { knock, mustBecomeUseless, refresh, revoke } from '../lib/tokens.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ask } from '../lib/waiting-client.mjs';

const REDIRECT = 'http://127.0.0.1:6199/callback';
/** Clients that refresh while something happens. */
const CLIENTS = 12;
/** Everything works again within this time of the database's return. */
const RECOVERY_LIMIT_MS = 5_000;
/** As long as a failover of a managed database takes. */
const AWAY_MS = 10_000;
/** Far less than the two seconds after which a replica asks by itself. */
const TOLD_LIMIT_MS = 1_000;
/** No replica may take longer, told or not (GR-4). */
const KNOWN_LIMIT_MS = 5_000;

const LIVE = 'SELECT COUNT(*) FROM OAUTH_GRANT WHERE revoked_at IS NULL';
/** Grants that live and do not have exactly one refresh token without a successor. */
const TORN = `SELECT COUNT(*) FROM (
  SELECT g.grant_id FROM OAUTH_GRANT g
  LEFT JOIN OAUTH_REFRESH_TOKEN t ON t.grant_id = g.grant_id
    AND NOT EXISTS (SELECT 1 FROM OAUTH_REFRESH_TOKEN c WHERE c.parent_hash = t.token_hash)
  WHERE g.revoked_at IS NULL GROUP BY g.grant_id HAVING COUNT(t.token_hash) <> 1) torn`;

let upstream;
let database;
let deployment;
let metadata;

before(async () => {
  upstream = await demoServer();
  database = await PostgresNode.start();
  deployment = await replicas({ ceiling: SCOPES, upstream: upstream.url, database: database.url });
  ({ metadata } = await discover(deployment.url, SCOPES));
});

after(async () => {
  await deployment?.stop();
  await database?.stop();
  await gateway.stop(upstream.program);
});

/** Somebody's client with its tokens, and no connection. */
async function authorized() {
  const connection = await connect({ url: deployment.url, mode: MODES.legacy, choices: { user: 'basic' } });
  await connection.client.close();
  deployment.secrets.push(...secretsOf(connection));
  return connection.provider;
}

/** A code, and the form that redeems it. */
async function codeForm() {
  const provider = await ask(deployment.url, REDIRECT, 'Redeeming');
  const back = await new Person().authorize(provider.authorizationUrl, { user: 'basic' });
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: back.searchParams.get('code'),
    redirect_uri: REDIRECT,
    client_id: provider.clientInformation().client_id,
    code_verifier: provider.codeVerifier(),
  });
  deployment.secrets.push(form.get('code'), form.get('code_verifier'));
  return { form, authorizationUrl: provider.authorizationUrl };
}

async function redeem(form) {
  const response = await fetch(metadata.token_endpoint, { method: 'POST', body: form });
  const body = await response.json();
  if (body.access_token) deployment.secrets.push(body.access_token, body.refresh_token);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

test('KY-7: however many start at once on an empty database, one key signs and all publish it', async () => {
  assert.equal(database.ask("SELECT COUNT(*) FROM OAUTH_SIGNING_KEY WHERE state = 'active'"), '1');
  const sets = await Promise.all(deployment.replicas.map(async (url) => (await fetch(`${url}/jwks`)).json()));
  assert.ok(sets[0].keys.length > 0);
  for (const set of sets) assert.deepEqual(set, sets[0]);
});

test('the whole story of three people, wherever a request arrives', async () => {
  const tools = await allTools(upstream.url);
  for (const [user, tick, mode] of [['basic', 'default', 'legacy'], ['manager', 'all', 'automatic'], ['admin', 'all', 'pinned']]) {
    const setting = { url: deployment.url, ceiling: SCOPES, tools, user, tick, mode: MODES[mode] };
    deployment.secrets.push(...await tellToTheEnd(setting));
  }
});

describe('races', () => {
  test('T-CON-01: of many redemptions of one code, one gets tokens', async () => {
    const { form } = await codeForm();
    const answers = await Promise.all(Array.from({ length: 32 }, () => redeem(form)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1, JSON.stringify(answers.map(({ status }) => status)));
    const lost = answers.filter(({ status }) => status !== 200);
    for (const { status, body } of lost) assert.deepEqual([status, body.error], [400, 'invalid_grant']);
  });

  test('T-CON-03: many uses of one refresh token have one successor', async () => {
    const provider = await authorized();
    const answers = await Promise.all(Array.from({ length: 64 }, async () => {
      const response = await refresh(metadata, provider);
      return { status: response.status, body: await response.json() };
    }));
    for (const { status, body } of answers) assert.equal(status, 200, body.error);
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    assert.equal(successors.size, 1);
    assert.equal(database.ask(TORN), '0');
    deployment.secrets.push(...successors, ...answers.map(({ body }) => body.access_token));
  });

  test('T-CON-05: nothing that a refresh gives beside a revocation is worth anything', async () => {
    const provider = await authorized();
    const token = provider.tokens().refresh_token;
    const racing = Array.from({ length: 16 }, async () => (await refresh(metadata, provider, token)).json());
    await revoke(metadata, provider);
    const given = (await Promise.all(racing)).filter((body) => body.access_token);
    deployment.secrets.push(...given.flatMap((body) => [body.access_token, body.refresh_token]));
    for (const { refresh_token: successor } of given) {
      const response = await refresh(metadata, provider, successor);
      assert.deepEqual([response.status, (await response.json()).error], [400, 'invalid_grant']);
    }
    for (const { access_token: token } of given) await mustBecomeUseless(deployment.url, token, KNOWN_LIMIT_MS);
  });
});

test('GR-4: a revocation at one replica is told to the others', async () => {
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    const provider = await authorized();
    const { access_token: token } = provider.tokens();
    const at = deployment.replicas.map((url) => `${url}/mcp`);
    for (const url of at) assert.notEqual((await knock(url, token)).status, 401, 'good until it is revoked');
    const revocation = `${deployment.replicas[round % at.length]}/revoke`;
    const start = performance.now();
    await revoke({ revocation_endpoint: revocation }, provider);
    await Promise.all(at.map((url) => mustBecomeUseless(url, token, KNOWN_LIMIT_MS)));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(`a revocation was known everywhere after ${times.map(Math.round)} ms`);
  assert.ok(times[2] < TOLD_LIMIT_MS, `the median of ${times} is below ${TOLD_LIMIT_MS} ms`);
});

describe('trouble, while clients refresh', () => {
  let refreshers;
  let live;
  const all = (holds) => refreshers.every(holds);

  before(async () => {
    refreshers = [];
    for (let count = 0; count < CLIENTS; count += 1) refreshers.push(new Refresher(metadata, await authorized()));
    await until('everybody refreshes', () => all((one) => one.worksSince > 0));
    live = database.ask(LIVE);
  });

  after(async () => {
    await Promise.all(refreshers.map((one) => one.stop()));
    deployment.secrets.push(...refreshers.flatMap((one) => one.tokens));
  });

  /** Everybody was given something after this moment, and nothing was lost or is there twice. */
  async function mustRecover(since) {
    await until('everybody refreshes again', () => all((one) => one.worksSince > 0 && one.lastWorked > since), RECOVERY_LIMIT_MS);
    console.log(`refreshes of ${CLIENTS} clients worked ${Math.round(performance.now() - since)} ms later`);
    assert.equal(database.ask(TORN), '0', 'each grant has one refresh token to go on with');
    assert.equal(database.ask(LIVE), live, 'no grant ended');
  }

  test('T-STO-02: one replica after the other is killed, and nobody loses anything', async () => {
    for (const [at, url] of deployment.replicas.entries()) {
      await deployment.kill(at);
      await mustRecover(performance.now());
      await deployment.start(at);
      await until('it is ready again', async () => (await fetch(`${url}/ready`)).status === 200);
    }
  });

  test('T-STO-07: the database restarts', async () => {
    await database.halt();
    await database.resume();
    await mustRecover(performance.now());
  });

  test('T-STO-07: the database is away for ten seconds', async () => {
    const { access_token: token } = (await authorized()).tokens();
    const knocks = () => Promise.all(deployment.replicas.map(async (url) => (await knock(`${url}/mcp`, token)).status));
    const usual = await knocks();
    assert.ok(!usual.includes(401) && !usual.includes(503), `${usual}`);
    const { form, authorizationUrl } = await codeForm();
    live = database.ask(LIVE);
    const before = refreshers.map((one) => one.refusals);
    await database.halt();
    const away = performance.now();
    await until('everybody was told to wait', () => refreshers.every((one, index) => one.refusals > before[index]));
    for (const url of deployment.replicas) assert.equal((await fetch(`${url}/ready`)).status, 503);
    assert.deepEqual(await knocks(), usual, 'an access token is good all the time');
    const redeemed = await redeem(form);
    assert.deepEqual([redeemed.status, redeemed.body.error], [503, 'temporarily_unavailable']);
    assert.ok(Number(redeemed.retryAfter) > 0);
    const page = await fetch(authorizationUrl, { redirect: 'manual' });
    assert.equal(page.status, 503, await page.text());
    assert.ok(Number(page.headers.get('retry-after')) > 0);
    await until('it was away for long', () => performance.now() - away >= AWAY_MS);
    await database.resume();
    await mustRecover(performance.now());
    assert.equal((await redeem(form)).status, 200, 'the code that could not be redeemed is still good');
    for (const url of deployment.replicas) assert.equal((await fetch(`${url}/ready`)).status, 200);
    const isTold = ({ log }) => log.lastIndexOf('tells of changes again') > log.lastIndexOf('cannot tell of changes');
    await until('every replica is told of changes again', () => deployment.gateways.every(isTold));
  });
});
