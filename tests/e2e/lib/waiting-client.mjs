// A client that waits on its own port for the browser to come back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { auth } from '@modelcontextprotocol/client';
import { MemoryProvider } from './provider.mjs';

/** Says what came back and thanks the person; for the length of a test. */
export async function listener(t) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const redirectUrl = `http://127.0.0.1:${server.address().port}/callback`;
  const arrived = new Promise((resolve) => {
    server.on('request', (request, response) => {
      const url = new URL(request.url, redirectUrl);
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Done</title>Done.');
      if (url.pathname === '/callback') resolve(url);
    });
  });
  return { redirectUrl, arrived };
}

/** A client that has asked to be authorized: where it sends the browser. */
export async function ask(serverUrl, redirectUrl, name) {
  const provider = new MemoryProvider({ redirectUrl, name });
  assert.equal(await auth(provider, { serverUrl }), 'REDIRECT');
  return provider;
}
