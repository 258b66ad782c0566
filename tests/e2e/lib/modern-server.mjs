// A small upstream on the official server package. It answers 2026-07-28 statelessly; what it
// received is kept, so that a story can look at what the gateway passed on. Run with PORT.

import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const seen = [];

function build() {
  const server = new McpServer({ name: 'modern', version: '1.0.0' });
  server.registerTool('get_sum', {
    title: 'Add two numbers',
    description: 'Adds two numbers.',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
    annotations: { readOnlyHint: true },
  }, ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }],
    structuredContent: { sum: a + b },
  }));
  server.registerTool('delete_everything', {
    title: 'Delete everything',
    description: 'Must never be reached by somebody who may only read.',
    inputSchema: z.object({}),
  }, () => {
    seen.push({ tool: 'delete_everything' });
    return { content: [{ type: 'text', text: 'gone' }] };
  });
  return server;
}

const handler = createMcpHandler(build);

/** Node's request as the web's. */
function toRequest(message, origin) {
  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at], message.rawHeaders[at + 1]);
  }
  const hasBody = !['GET', 'HEAD'].includes(message.method);
  const body = hasBody ? { body: Readable.toWeb(message), duplex: 'half' } : {};
  return new Request(new URL(message.url, origin), { method: message.method, headers, ...body });
}

async function answer(message, response, origin) {
  if (message.url === '/seen') {
    response.end(JSON.stringify(seen));
    return;
  }
  seen.push({ method: message.method, headers: message.headers });
  const reply = await handler.fetch(toRequest(message, origin));
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  if (reply.body) Readable.fromWeb(reply.body).pipe(response);
  else response.end();
}

const port = Number(process.env.PORT);
const origin = `http://127.0.0.1:${port}`;
createServer((message, response) => {
  answer(message, response, origin).catch((error) => {
    console.error(error);
    response.destroy();
  });
}).listen(port, '127.0.0.1', () => console.error(`listening on ${origin}`));
