// What is seen from outside, with the eyes of those who look: spans as OpenTelemetry's own messages
// read them, and the log as JSON.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { openDoor } from '../lib/door.mjs';
import * as gateway from '../lib/gateway.mjs';
import { freePort, Program } from '../lib/program.mjs';
import { Wire } from '../lib/raw/wire.mjs';
import { secretsOf } from '../lib/story.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../.venv/bin/python');
const LIMIT_MS = 20_000;
const CANARY = 'argument-canary';

let upstream;
let door;
let collector;
let deployment;
let wire;

before(async () => {
  assert.ok(existsSync(python), `${python} does not exist; run scripts/install-test-parts.sh`);
  const port = await freePort();
  collector = await Program.start({
    name: 'collector', command: python, args: [here('../python/collector.py'), String(port)], ready: /^listening$/m,
  });
  upstream = await demoServer();
  door = await openDoor(upstream.url);
  deployment = await oneProcess({
    ceiling: ['mcp:read'],
    upstream: door.url,
    logFormat: 'json',
    telemetry: { otlp_endpoint: `http://127.0.0.1:${port}`, trace_ratio: 0 },
  });
  const connection = await connect({ url: deployment.url, mode: MODES.pinned, choices: { user: 'basic' } });
  deployment.secrets.push(...secretsOf(connection));
  wire = new Wire(deployment.url, connection.provider.tokens().access_token);
  await disconnect(connection);
});

after(async () => {
  await deployment.stop();
  await door.close();
  await gateway.stop(upstream.program);
  await collector.stop();
});

/** A stateless call of a tool, with a place in a trace. */
function call(name, { headers = {}, meta = {} }) {
  const params = {
    name,
    arguments: { query: CANARY },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      ...meta,
    },
  };
  return wire.exchange({
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name, ...headers },
    body: { jsonrpc: '2.0', id: 'a-1', method: 'tools/call', params },
  });
}

/** The JSON lines of a program's output that fit, once there are so many. */
async function soon(program, count, fits) {
  const limit = Date.now() + LIMIT_MS;
  for (;;) {
    const lines = program.log.split('\n').slice(0, -1).filter((line) => line.startsWith('{'));
    const found = lines.map((line) => JSON.parse(line)).filter(fits);
    if (found.length >= count) return found;
    assert.ok(Date.now() < limit, `${count} lines in:\n${program.log}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

for (const [where, place] of [
  ['the header', (parent) => ({ headers: { traceparent: parent } })],
  ['_meta', (parent) => ({ meta: { traceparent: parent } })],
]) {
  test(`C-30: a trace goes on from ${where} to the collector and to the upstream`, async () => {
    const trace = where === '_meta' ? 'b'.repeat(32) : 'a'.repeat(32);
    const answer = await call('list_requests', place(`00-${trace}-1234567890abcdef-01`));
    assert.equal(answer.status, 200);
    const spans = await soon(collector, 2, (line) => line.trace === trace);
    assert.equal(spans.length, 2);
    const served = spans.find(({ kind }) => kind === 'SPAN_KIND_SERVER');
    const asked = spans.find(({ kind }) => kind === 'SPAN_KIND_CLIENT');
    assert.equal(served.parent, '1234567890abcdef', 'a child of what the client did');
    assert.equal(asked.parent, served.id);
    assert.equal(served.name, 'tools/call');
    assert.equal(served.resource['service.name'], 'wicketgate');
    assert.equal(served.attributes['mcp.name'], 'list_requests');
    assert.equal(served.attributes['http.response.status_code'], 200, 'a number, as conventions have it');
    assert.ok(served.begun <= asked.begun && asked.begun < asked.ended && asked.ended <= served.ended);
    const now = Date.now() * 1e6;
    assert.ok(served.begun > now - 60e9 && served.ended <= now + 1e9, 'in nanoseconds since 1970');
    assert.equal(served.failed, false);
    const behind = door.seen.find(({ headers }) => headers.traceparent?.includes(trace));
    assert.equal(behind.headers.traceparent, `00-${trace}-${asked.id}-01`, 'the upstream is a child of it');
    assert.ok(!collector.log.includes(CANARY), 'no arguments');
  });
}

test('G-41: the log as JSON has one object for each request, without arguments', async () => {
  const forged = 'x"}\n{"level":"ERROR","message":"forged';
  await wire.exchange({ body: { jsonrpc: '2.0', id: 'a-2', method: 'tools/call', params: { name: forged } } });
  await call('search_requests', { headers: { 'mcp-name': 'another' } });
  const [program] = deployment.gateways;
  // No token, `server/discover`, a call of each test before, and these two.
  const lines = await soon(program, 6, (line) => line.target === 'mcp.access');
  assert.equal(lines.length, 6);
  const served = lines.find((line) => line['mcp.name'] === 'list_requests');
  assert.equal(served.decision, 'allow');
  assert.equal(served['http.status'], 200);
  assert.match(served['subject.id'], /^usr_/);
  assert.ok(served['duration.us'] >= served['upstream.us']);
  assert.ok(lines.some((line) => line['mcp.name'] === forged), 'a text is a text');
  assert.ok(lines.some((line) => line['http.status'] === 400 && line.decision === 'malformed'));
  assert.ok(!program.log.includes(CANARY) && !program.log.includes('"message":"forged'));
  for (const line of program.log.split('\n').filter((text) => text.includes('mcp.access'))) JSON.parse(line);
});
