// For a program that cannot send a token: a door on loopback that adds it and changes nothing else.

import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** @returns {Promise<{url: string, close: () => Promise<void>}>} where the program goes instead of `target` */
export async function withBearer(target, token) {
  const { hostname, port, pathname } = new URL(target);
  const server = createServer((message, response) => {
    const headers = { ...message.headers, authorization: `Bearer ${token}` };
    const onward = request({ hostname, port, path: message.url, method: message.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    message.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); };
  return { url: `http://127.0.0.1:${server.address().port}${pathname}`, close };
}
