// MCP servers to put behind the gateway. Each answers at /mcp on loopback.

import { fileURLToPath } from 'node:url';
import * as gateway from './gateway.mjs';
import { freePort, Program } from './program.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function atPort(program, port) {
  return { program, origin: `http://127.0.0.1:${port}`, url: `http://127.0.0.1:${port}/mcp` };
}

/** The project's own demo server, without a shared secret. */
export async function demoServer() {
  const port = await freePort();
  return atPort(await gateway.demoServer({ port }), port);
}

/** Where npm has put a reference server. */
const reference = (name) => here(`../node_modules/@modelcontextprotocol/${name}/dist/index.js`);

async function everythingOver(transport, ready) {
  const port = await freePort();
  const program = await Program.start({
    name: `server-everything ${transport}`,
    command: process.execPath,
    args: ['--import', here('./loopback-only.mjs'), reference('server-everything'), transport],
    env: { PORT: String(port) },
    ready,
  });
  return atPort(program, port);
}

/** The reference server with every feature: 2025-11-25, sessions. */
export const everything = () => everythingOver('streamableHttp', /listening on port/);

/** The same over HTTP+SSE, at /sse. */
export async function everythingSse() {
  const { origin, ...rest } = await everythingOver('sse', /running on port|listening on port/i);
  return { ...rest, origin, url: `${origin}/sse` };
}

/** Servers that are started by whoever uses them and speak over a pipe: their commands. */
export const PIPES = {
  everything: () => [process.execPath, reference('server-everything'), 'stdio'],
  filesystem: (directory) => [process.execPath, reference('server-filesystem'), directory],
  git: (repository) => [here('../.venv-servers/bin/mcp-server-git'), '--repository', repository],
  fetch: () => [here('../.venv-servers/bin/mcp-server-fetch'), '--ignore-robots-txt', '--allow-private-ips'],
  conformance: () => [process.execPath, here('./conformance-server.mjs')],
};

/** A server of fastmcp: both generations over Streamable HTTP. */
export async function fastmcp() {
  const port = await freePort();
  const program = await Program.start({
    name: 'fastmcp server',
    command: here('../.venv-fastmcp/bin/python'),
    args: [here('../python/fastmcp_server.py')],
    env: { PORT: String(port) },
    ready: /running on/i,
  });
  return atPort(program, port);
}

/** A server on the official package: 2026-07-28, stateless. */
export async function modern() {
  const port = await freePort();
  const program = await Program.start({
    name: 'modern server',
    command: process.execPath,
    args: [here('./modern-server.mjs')],
    env: { PORT: String(port) },
    ready: /listening on /,
  });
  return atPort(program, port);
}

const fixture = (file) => async (eras = 'both') => {
  const port = await freePort();
  const program = await Program.start({
    name: `${file} (${eras})`,
    command: process.execPath,
    args: [here(`./${file}`)],
    env: { PORT: String(port), ERAS: eras },
    ready: /listening on /,
  });
  return atPort(program, port);
};

/** What the conformance suite wants, in one era or both; see fixture/serve.mjs. */
export const conformance = fixture('conformance-server.mjs');

/** A server on the first TypeScript SDK, which asks its questions on the session's own stream. */
export async function standing() {
  const port = await freePort();
  const program = await Program.start({
    name: 'standing server',
    command: process.execPath,
    args: [here('./standing-server.mjs')],
    env: { PORT: String(port) },
    ready: /listening/,
  });
  return atPort(program, port);
}
