// Two PostgreSQL nodes, the second a standby of the first, and the one address under which
// programs know them. It leads to whichever node it is told to; connections that stand stay where
// they are, as with a proxy in front of a real pair.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { postgres, PostgresNode } from './postgres-node.mjs';

export class PostgresPair {
  first = new PostgresNode();
  second = new PostgresNode();
  /** What programs are told. */
  url;
  #leadsTo;
  #server;
  #sockets = new Set();

  static async start() {
    const pair = new PostgresPair();
    try {
      pair.first.url = await postgres('start', pair.first.directory);
      pair.second.url = await postgres('standby', pair.second.directory, pair.first.url);
      await pair.#listen();
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  async #listen() {
    this.leadTo(this.first);
    this.#server = createServer((near) => {
      const far = connect(this.#leadsTo.port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {}).on('close', () => {
          this.#sockets.delete(socket);
          (socket === near ? far : near).destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const url = new URL(this.first.url);
    url.port = this.#server.address().port;
    this.url = url.href;
  }

  /** New connections go there. */
  leadTo(node) {
    this.#leadsTo = node;
  }

  /** The first node comes back as a standby of the second, which is not promoted yet. */
  async demoteFirst() {
    await postgres('demote', this.first.directory, this.second.url);
  }

  async promoteSecond() {
    await postgres('promote', this.second.directory);
  }

  async stop() {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const node of [this.first, this.second]) await node.stop();
  }
}
