// A private nginx: as the reverse proxy that maps a path of a host to the gateway, as the one that
// the documentation shows, or in front of an identity provider's portal.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { blocks, pages } from './documentation.mjs';
import { Program } from './program.mjs';

const template = (name) => readFileSync(new URL(`../templates/${name}`, import.meta.url), 'utf8');

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

/** Starts it on `port`, with what stands `behind` in the place of that placeholder. */
function start({ text, prefix, port, behind }) {
  mkdirSync(prefix, { recursive: true });
  const [[placeholder, value]] = Object.entries(behind);
  const filled = text.replaceAll('@LISTEN@', `127.0.0.1:${port}`).replaceAll(placeholder, value);
  writeFileSync(`${prefix}/nginx.conf`, filled);
  return Program.start({
    name: 'nginx',
    command: nginxPath(),
    args: ['-p', prefix, '-e', 'stderr', '-c', `${prefix}/nginx.conf`],
    ready: () => answers(port),
  });
}

const gatewayAt = (port) => ({ '@GATEWAY@': `127.0.0.1:${port}` });

/** Starts it on `port` in front of the gateway's port, at a path; all its files are below `prefix`. */
export function startNginx({ gatewayPort, ...where }) {
  return start({ text: template('nginx.conf'), behind: gatewayAt(gatewayPort), ...where });
}

/** In front of the portal of LemonLDAP::NG, which listens at a socket of the file system. */
export function startPortalNginx({ socket, ...where }) {
  return start({ text: template('lemonldap/nginx.conf'), behind: { '@SOCKET@': socket }, ...where });
}

/** The same with the `location` that docs/deployment.md shows. */
export function startDocumentedNginx({ gatewayPort, ...where }) {
  const page = pages().find(({ path }) => path === 'docs/deployment.md');
  const { body } = blocks(page, 'nginx').find(({ heading }) => heading === 'Behind a reverse proxy');
  // Only here a port belongs to the host, which is the standard one of a deployment.
  const location = body.replace('127.0.0.1:8787', '@GATEWAY@').replace('$host', () => '$http_host');
  const text = template('nginx-documented.conf').replace('@LOCATION@', () => location);
  return start({ text, behind: gatewayAt(gatewayPort), ...where });
}
