// A private nginx, as the reverse proxy that maps a path of a host to the gateway.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Program } from './program.mjs';

const template = new URL('../templates/nginx.conf', import.meta.url);

function nginxPath() {
  // Debian keeps servers out of an ordinary user's PATH.
  const found = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));
  assert.ok(found, 'nginx is not installed; run scripts/install-test-parts.sh');
  return found;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** Starts it on `port` in front of the gateway's port; all its files are below `prefix`. */
export function startNginx({ prefix, port, gatewayPort }) {
  mkdirSync(prefix, { recursive: true });
  const text = readFileSync(template, 'utf8')
    .replaceAll('@LISTEN@', `127.0.0.1:${port}`)
    .replaceAll('@GATEWAY@', `127.0.0.1:${gatewayPort}`);
  writeFileSync(`${prefix}/nginx.conf`, text);
  return Program.start({
    name: 'nginx',
    command: nginxPath(),
    args: ['-p', prefix, '-e', 'stderr', '-c', `${prefix}/nginx.conf`],
    ready: () => answers(port),
  });
}
