// PgBouncer in front of the tests' PostgreSQL, in one of its modes.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { freePort, Program } from './program.mjs';

/**
 * Starts a pooler on loopback.
 *
 * @param {string} database the URL of the database behind it
 * @param {'session'|'transaction'|'statement'} mode
 * @returns {Promise<{url: string, stop: () => Promise<void>}>} the URL through the pooler
 */
export async function startPooler(database, mode) {
  const behind = new URL(database);
  const directory = mkdtempSync('/tmp/wicketgate-e2e-pooler.');
  const port = await freePort();
  const settings = `${directory}/pgbouncer.ini`;
  writeFileSync(settings, `[databases]
* = host=${behind.hostname} port=${behind.port} user=${behind.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
ignore_startup_parameters = extra_float_digits
`);
  // It does not run as root.
  const user = process.getuid() === 0 ? ['-u', 'postgres'] : [];
  const path = `${process.env.PATH}:/usr/sbin`;
  const program = await Program.start({
    name: 'PgBouncer', command: 'pgbouncer', args: [...user, settings], env: { PATH: path }, ready: /process up/,
  });
  const url = new URL(database);
  url.port = port;
  return {
    url: String(url),
    async stop() {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
