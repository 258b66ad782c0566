// A server on the first TypeScript SDK as most of them are written: what it asks in the middle of a
// call does not name the call, so the question goes to the session's own standing stream. Where
// that does not stand yet, the SDK drops the question and the call waits until its own time is up. At /mcp, PORT.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const QUESTIONS = {
  ask_form: async ({ server }) => {
    const requestedSchema = { type: 'object', properties: { color: { type: 'string' } } };
    const { content } = await server.elicitInput({ message: 'Which color?', requestedSchema });
    return content.color;
  },
  ask_model: async ({ server }) => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Which color?' } }];
    return (await server.createMessage({ messages, maxTokens: 10 })).content.text;
  },
  ask_roots: async ({ server }) => (await server.listRoots()).roots[0].name,
};

function build() {
  const server = new McpServer({ name: 'standing', version: '1.0.0' });
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    server.registerTool(name, {}, async () => ({ content: [{ type: 'text', text: await ask(server) }] }));
  }
  return server;
}

const sessions = new Map();

async function open() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await build().connect(transport);
  return transport;
}

createServer(async (request, response) => {
  const id = request.headers['mcp-session-id'];
  const transport = id ? sessions.get(id) : await open();
  if (!transport) {
    response.writeHead(404).end();
    return;
  }
  await transport.handleRequest(request, response);
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
