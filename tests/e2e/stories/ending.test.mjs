// How it ends: servers hear that sessions are over which nobody will use again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { READ_RULES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { openDoor } from '../lib/door.mjs';
import { Wire } from '../lib/raw/wire.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance } from '../lib/upstreams.mjs';

let upstream;
let door;

before(async () => {
  upstream = await conformance('2025-11-25');
  door = await openDoor(upstream.url);
});

after(async () => {
  await door.close();
  await upstream.program.stop();
});

test('SIGTERM ends the session that a modern client had at an older server', async () => {
  const deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: door.url, rules: READ_RULES });
  const { token, secrets } = await tokenFor(deployment.url);
  deployment.secrets.push(...secrets);
  const wire = new Wire(deployment.url, token);
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'test_simple_text', arguments: {}, _meta: meta };
  const { status } = await wire.exchange({
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': params.name },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
  });
  assert.equal(status, 200);
  const session = ({ headers }) => headers['mcp-session-id'];
  const called = door.seen.find(({ sent }) => sent.includes('tools/call'));
  assert.ok(session(called), 'the call was made in a session');
  const ends = () => door.seen.filter(({ method }) => method === 'DELETE').map(session);
  assert.ok(!ends().includes(session(called)), 'which is still open');
  await deployment.stop();
  assert.ok(ends().includes(session(called)), `${ends()}`);
});
