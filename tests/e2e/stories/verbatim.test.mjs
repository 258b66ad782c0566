// Message for message: one session in which everything happens, once without and once with the
// gateway between client and server. What each of them hears is the same, byte for byte (C-02,
// C-06, C-17, D-70, E-12). Only lists of tools may differ in form: they are answered by the gateway,
// which filters them, and so they are never `public` (E-02).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { READ_RULES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { openDoor } from '../lib/door.mjs';
import { rawClient } from '../lib/raw/clients.mjs';
import { Events } from '../lib/raw/wire.mjs';
import { goThrough } from '../lib/scripted-session.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance } from '../lib/upstreams.mjs';

let upstream;
let door;
let deployment;
let token;

before(async () => {
  upstream = await conformance();
  door = await openDoor(upstream.url);
  deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: door.url, rules: READ_RULES });
  const signedIn = await tokenFor(deployment.url);
  token = signedIn.token;
  deployment.secrets.push(...signedIn.secrets);
  // At first the gateway asks the server by itself, to know whom it talks to (D-24).
  await goThrough(rawClient('2025-11-25', deployment.url, token));
});

after(async () => {
  await deployment.stop();
  await door.close();
  await upstream.program.stop();
});

/** What both ends said during one session. */
async function record(revision, url, bearer) {
  const client = rawClient(revision, url, bearer);
  const from = door.seen.length;
  await goThrough(client);
  return { client: client.wire.transcript, server: door.seen.slice(from) };
}

const methodOf = ({ sent }) => (sent ? JSON.parse(sent).method : undefined);
const isList = (exchange) => methodOf(exchange) === 'tools/list';
const others = (exchanges) => exchanges.filter((exchange) => !isList(exchange));

/** A server seals the time into its state, which is the only thing that two runs may not share. */
const timeless = (text = '') => text.replaceAll(/"requestState":"[^"]*"/g, '"requestState":"…"');
const said = ({ method, sent, status, raw }) => ({ method, sent: timeless(sent), status, raw: timeless(raw) });

/** One by one, so that a difference can be read. */
function mustEqual(actual, expected) {
  for (const [at, one] of expected.entries()) assert.deepEqual(actual[at], one, `message ${at}`);
  assert.equal(actual.length, expected.length, 'as many messages');
}

/** The one message of an answer, however it was framed. */
function message({ raw }) {
  const text = raw.startsWith('{') ? raw : new Events().take(raw).find(({ data }) => data).data;
  const parsed = JSON.parse(text);
  if (parsed.result?.cacheScope) parsed.result.cacheScope = 'private';
  return parsed;
}

for (const revision of ['2025-11-25', '2026-07-28']) {
  describe(`revision ${revision}`, () => {
    let direct;
    let through;
    before(async () => {
      direct = await record(revision, door.url);
      through = await record(revision, deployment.url, token);
    });

    test('the client hears the same', () => {
      assert.ok(direct.client.length > 40, `${direct.client.length} exchanges`);
      mustEqual(others(through.client).map(said), others(direct.client).map(said));
    });

    test('the server hears the same', () => {
      mustEqual(others(through.server).map(said), others(direct.server).map(said));
    });

    test('what the server said is what the client heard, seals and all', () => {
      const texts = (exchanges) => others(exchanges).map(({ raw }) => raw);
      mustEqual(texts(through.client), texts(through.server));
    });

    test('lists of tools are equal as values, and never for everybody', () => {
      const lists = (exchanges) => exchanges.filter(isList);
      mustEqual(lists(through.client).map(message), lists(direct.client).map(message));
      for (const { raw } of lists(through.client)) assert.doesNotMatch(raw, /"cacheScope":\s*"public"/);
    });

    test('the server never saw the token', () => {
      for (const { headers, sent } of through.server) {
        assert.equal(headers.authorization, undefined);
        assert.ok(!sent.includes(token));
      }
    });
  });
}

test('a message in an odd form arrives in that form', async () => {
  const meta = '"_meta":{"io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';
  const body = `{ "params" : {"x-unknown":[1.0, 12345678901234567890.10,-0,1E2,null],"name":"test_simple_\\u0074ext","arguments":{},${meta}},\n"method":"tools/call","id":"\\u00e9/1","jsonrpc":"2.0"}`;
  const { wire } = rawClient('2026-07-28', deployment.url, token);
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'test_simple_text' };
  const { status, messages } = await wire.exchange({ body, headers });
  assert.equal(status, 200, JSON.stringify(messages));
  assert.equal(messages[0].id, 'é/1');
  assert.equal(door.seen.at(-1).sent, body);
});
