// The hosts at which well-known clients describe themselves, on this computer: a forward proxy leads to
// them, since the names belong to others.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { certificateFor } from './tamper.mjs';

const listen = async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
};

/**
 * Serves documents, each under its `client_id`, and a proxy that leads to their hosts and nowhere else.
 * `authorities` is a PEM file's text for who vouches for them, and `asked` has every id that was fetched.
 */
export async function openDocumentHosts(documents) {
  const asked = [];
  const ports = new Map();
  const servers = [];
  let authorities = '';
  for (const host of new Set(documents.map(({ client_id: id }) => new URL(id).host))) {
    const { key, cert, authority } = certificateFor(host);
    authorities += authority;
    const server = createTlsServer({ key, cert }, (request, response) => {
      const id = `https://${host}${request.url}`;
      asked.push(id);
      const document = documents.find(({ client_id: own }) => own === id);
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    servers.push(server);
    ports.set(`${host}:443`, await listen(server));
  }
  const proxy = createServer((_, response) => response.writeHead(405).end());
  proxy.on('connect', (request, socket) => {
    const port = ports.get(request.url);
    if (!port) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const there = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    for (const end of [socket, there]) end.on('error', () => { socket.destroy(); there.destroy(); });
    return undefined;
  });
  servers.push(proxy);
  const url = `http://127.0.0.1:${await listen(proxy)}`;
  const close = () => Promise.all(servers.map((server) => {
    server.closeAllConnections();
    return new Promise((closed) => { server.close(closed); });
  }));
  return { url, authorities, asked, close };
}
