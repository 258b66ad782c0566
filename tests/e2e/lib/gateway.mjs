// The real binary, in each way in which people run it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Program } from './program.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The binary under test: `WICKETGATE_BIN`, or the debug build. */
export function binary() {
  const path = process.env.WICKETGATE_BIN || `${root}target/debug/wicketgate`;
  assert.ok(existsSync(path), `${path} does not exist; build it with cargo build -p wicketgate`);
  return path;
}

/** It serves once standard error says so (interface: "Ready when stderr says `listening on URL`"). */
const LISTENING = /listening on /;

function run(name, args, { env, cwd, ready = LISTENING } = {}) {
  return Program.start({ name, command: binary(), args, env, cwd, ready });
}

/** Everything in one process, with its own upstream and three people. */
export function demo({ port, data }) {
  // Its upstream listens, too, and may say so first.
  const ready = new RegExp(`listening on http://127\\.0\\.0\\.1:${port}\\b`);
  return run('wicketgate demo', ['demo', '--listen', `127.0.0.1:${port}`, '--data', data], { ready });
}

/** The demo's MCP server alone: an upstream that believes whoever reaches it. */
export function demoServer({ port }) {
  return run('wicketgate demo-server', ['demo-server', '--listen', `127.0.0.1:${port}`]);
}

/** A server from a configuration file, in one role or all. */
export function serve({ config, env, role = 'all' }) {
  return run(`wicketgate serve --role ${role}`, ['serve', '--config', config, '--role', role], { env });
}

/** A server as it starts by itself in a directory with everything where it is looked for. */
export function serveIn({ directory, env }) {
  return run('wicketgate serve', ['serve'], { env, cwd: directory });
}

/** A clean end: within ten seconds of SIGTERM, with exit code 0 (interface: "SIGTERM drains"). */
export async function stop(program) {
  assert.deepEqual(await program.stop(), { code: 0, signal: null }, program.log);
}
