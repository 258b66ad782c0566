#!/usr/bin/env bash
# npm @modelcontextprotocol/sdk 1.32.2, server side, Streamable HTTP with sessions.
#
# A tool that calls `server.elicitInput()` without `relatedRequestId` has its question sent on the
# session's standing GET stream (not on the stream of the call in progress). Where that stream does
# not stand yet, `send` resolves as if the question had been sent: nobody gets it, nothing fails,
# and the call waits for its own time limit. The question is not kept for the stream that opens a
# moment later either, unless an event store was configured.
#
# So the order of two independent HTTP requests, GET and `tools/call`, decides whether a call is
# answered, and whatever stands between client and server must keep it.
#
# Expected output:
#   stream first: the question arrives
#   call first: no question, no error
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @modelcontextprotocol/sdk@1.32.2 >/dev/null

cat >order.mjs <<'JS'
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const sessions = new Map();
let failure;

async function session() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  const server = new McpServer({ name: 'order', version: '1.0.0' });
  server.registerTool('ask', {}, async () => {
    const requestedSchema = { type: 'object', properties: { color: { type: 'string' } } };
    const asking = server.server.elicitInput({ message: 'Which color?', requestedSchema }, { timeout: 3_000 });
    // Only its own time limit ends it.
    asking.catch((error) => { if (!/timed out/i.test(error.message)) failure = error; });
    return { content: [{ type: 'text', text: (await asking).action }] };
  });
  await server.connect(transport);
  return transport;
}

const http = createServer(async (request, response) => {
  const id = request.headers['mcp-session-id'];
  await (id ? sessions.get(id) : await session()).handleRequest(request, response);
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
const url = `http://127.0.0.1:${http.address().port}/`;

const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const post = (body, id) => fetch(url, {
  method: 'POST',
  headers: id ? { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' } : headers,
  body: JSON.stringify({ jsonrpc: '2.0', ...body }),
});

async function open() {
  const params = {
    protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo: { name: 'order', version: '1' },
  };
  const response = await post({ id: 1, method: 'initialize', params });
  await response.text();
  const id = response.headers.get('mcp-session-id');
  await post({ method: 'notifications/initialized' }, id);
  return id;
}

/** Whether a question comes within two seconds on the standing stream. */
async function asked(order) {
  const id = await open();
  const call = () => { post({ id: 2, method: 'tools/call', params: { name: 'ask', arguments: {} } }, id).catch(() => {}); };
  const enough = AbortSignal.timeout(2_000);
  if (order === 'call first') {
    call();
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  const stream = await fetch(url, { headers: { ...headers, 'mcp-session-id': id }, signal: enough });
  if (order === 'stream first') call();
  let heard = '';
  try {
    for await (const part of stream.body.pipeThrough(new TextDecoderStream())) {
      heard += part;
      if (heard.includes('elicitation/create')) return true;
    }
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
  }
  return false;
}

const direct = await asked('stream first');
console.log(`stream first: ${direct ? 'the question arrives' : 'no question'}`);
const late = await asked('call first');
console.log(`call first: ${late ? 'the question arrives' : 'no question'}, ${failure ? failure.message : 'no error'}`);
process.exit(direct && !late && !failure ? 0 : 1);
JS
node order.mjs
