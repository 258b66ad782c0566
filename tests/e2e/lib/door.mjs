// A door on loopback in front of a server: it passes everything on as it is, can add a token for a
// program that cannot send one, and can keep what went through.

import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** Keeps the pieces of a stream as text. */
function keep(stream, entry, name) {
  const decoder = new TextDecoder();
  stream.on('data', (piece) => { entry[name] += decoder.decode(piece, { stream: true }); });
}

/**
 * @param {string} target where the door leads
 * @param {object} [headers] added to each request
 * @returns {Promise<{url: string, seen: object[], close: () => Promise<void>}>} where to go instead of
 *   `target`, and each exchange as `{ method, headers, sent, status, raw }`
 */
export function openDoor(target, headers = {}) {
  return openDoors([target], headers);
}

/** A door to several targets at one path, which takes them in turn, request by request. */
export async function openDoors(targets, headers = {}) {
  const { pathname } = new URL(targets[0]);
  const seen = [];
  const server = createServer((message, response) => {
    const entry = { method: message.method, headers: message.headers, sent: '', raw: '' };
    const { hostname, port } = new URL(targets[seen.length % targets.length]);
    seen.push(entry);
    const all = { ...message.headers, ...headers };
    const onward = request({ hostname, port, path: message.url, method: message.method, headers: all }, (answer) => {
      entry.status = answer.statusCode;
      keep(answer, entry, 'raw');
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.on('error', () => response.destroy()).pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    keep(message, entry, 'sent');
    message.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); };
  return { url: `http://127.0.0.1:${server.address().port}${pathname}`, seen, close };
}

/** For a program that cannot send a token. */
export function withBearer(target, token) {
  return openDoor(target, { authorization: `Bearer ${token}` });
}
