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

/** The reference server with every feature: 2025-11-25, sessions. */
export async function everything() {
  const port = await freePort();
  const program = await Program.start({
    name: 'server-everything',
    command: process.execPath,
    args: [
      '--import', here('./loopback-only.mjs'),
      here('../node_modules/@modelcontextprotocol/server-everything/dist/index.js'),
      'streamableHttp',
    ],
    env: { PORT: String(port) },
    ready: /listening on port/,
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
