// A private nginx: as the documentation shows it, or in front of an identity provider's portal.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { blocksIn, page } from './documentation.mjs';
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

/** These stand beside a `server` block. */
const UPSTREAM = /^upstream \w+ \{[^}]*\}$/gm;

/** What every configuration here begins with, around the `server` block that is put in. */
function around(block) {
  const upstreams = block.match(UPSTREAM) ?? [];
  return template('nginx.conf')
    .replace('@UPSTREAMS@', () => upstreams.join('\n'))
    .replace('@SERVER@', () => block.replace(UPSTREAM, ''));
}

/** nginx itself reads these lines of a `server` block and finds nothing wrong. */
export function checkNginx(lines) {
  const prefix = mkdtempSync(`${tmpdir()}/wicketgate-e2e-nginx-`);
  try {
    const file = `${prefix}/nginx.conf`;
    writeFileSync(file, around(`listen 127.0.0.1:1;\n${lines}`));
    const { status, stderr } = spawnSync(nginxPath(), ['-t', '-p', prefix, '-e', 'stderr', '-c', file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
}

/** The blocks that docs/deployment.md shows under these headings, the first with its settings. */
function documented(headings) {
  const shown = blocksIn(page('docs/deployment.md'), 'nginx');
  const settings = shown[0].body.slice(0, shown[0].body.indexOf('location '));
  const locations = shown.filter(({ heading }) => headings.includes(heading))
    .map(({ body }) => body.replace(settings, ''));
  assert.equal(locations.length, headings.length, `${headings}`);
  return settings + locations.join('\n');
}

/** Starts it on `port` with this configuration; all its files are below `prefix`. */
function start({ text, prefix, port }) {
  mkdirSync(prefix, { recursive: true });
  writeFileSync(`${prefix}/nginx.conf`, text);
  return Program.start({
    name: 'nginx',
    command: nginxPath(),
    args: ['-p', prefix, '-e', 'stderr', '-c', `${prefix}/nginx.conf`],
    ready: () => answers(port),
  });
}

/**
 * The nginx of the documentation on `port`, in front of the gateway's port, with the blocks under
 * these headings.
 */
export function startDocumentedNginx({ headings = ['Behind a reverse proxy'], gatewayPort, ...where }) {
  const lines = documented(headings).replaceAll('127.0.0.1:8787', `127.0.0.1:${gatewayPort}`);
  return start({ text: around(`listen 127.0.0.1:${where.port};\n${lines}`), ...where });
}

/** As {@link startDocumentedNginx}, in front of several replicas, which it takes in turn. */
export function startNginxForReplicas({ gatewayPorts, ...where }) {
  const headings = ['Behind a reverse proxy', "The proxy's own error pages", 'Several replicas'];
  const servers = (_, first) => gatewayPorts.map((port) => first.replace(/10\.\S+/, `127.0.0.1:${port}`)).join('');
  const lines = documented(headings)
    .replaceAll('http://127.0.0.1:8787', 'http://wicketgate')
    .replace(/(^ +server 10\..*\n)+/m, servers);
  return start({ text: around(`listen 127.0.0.1:${where.port};\n${lines}`), ...where });
}

/** In front of the portal of LemonLDAP::NG, which listens at a socket of the file system. */
export function startPortalNginx({ socket, ...where }) {
  const listen = `127.0.0.1:${where.port}`;
  const text = template('lemonldap/nginx.conf').replaceAll('@LISTEN@', listen).replaceAll('@SOCKET@', socket);
  return start({ text, ...where });
}
