// Programs that the stories start: found by what they say, stopped by their own process id.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

/** What still runs: a story that fails half-way leaves nothing behind. */
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => process.exit(code));

/** Ports that the system gives to nobody who did not ask for them: below those of outgoing connections. */
const PORTS = { from: 20_000, to: 32_000 };
/** What this process has already given away; it may not listen there yet. */
const given = new Set();

/** A port on loopback that nobody listens on at the moment, here or in a story that runs beside this one. */
export async function freePort() {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (!given.has(port) && await isFree(port)) {
      given.add(port);
      return port;
    }
  }
}

async function isFree(port) {
  const server = createServer();
  const answer = new Promise((resolve) => {
    server.once('listening', () => resolve(true)).once('error', () => resolve(false));
  });
  server.listen(port, '127.0.0.1');
  const free = await answer;
  if (free) await new Promise((resolve) => { server.close(resolve); });
  return free;
}

/** Only what a program needs: nothing from the surroundings configures it by accident. */
export function plainEnvironment(extra) {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  const kept = Object.entries({ PATH, HOME, LANG, TMPDIR }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(kept), ...extra };
}

export class Program {
  /** Everything it wrote, to either stream. */
  log = '';
  #child;
  #exit;
  #name;

  /** Starts `command`; ready when its output matches `ready`. */
  static async start({ name, command, args, env = {}, cwd, ready }) {
    const program = new Program();
    program.#name = name;
    program.#child = spawn(command, args, { cwd, env: plainEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(program.#child);
    program.#child.once('close', () => running.delete(program.#child));
    const failed = once(program.#child, 'error').then(([error]) => { throw error; });
    failed.catch(() => {});
    program.#exit = once(program.#child, 'close').then(([code, signal]) => ({ code, signal }));
    program.#exit.catch(() => {});
    for (const stream of [program.#child.stdout, program.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { program.log += text; });
    }
    await Promise.race([failed, program.#waitFor(ready)]);
    return program;
  }

  async #waitFor(ready) {
    let ended;
    this.#exit.then((exit) => { ended = exit; }, () => {});
    const limit = Date.now() + START_LIMIT_MS;
    while (!(await this.#matches(ready))) {
      if (ended || Date.now() > limit) {
        this.#child.kill('SIGKILL');
        const why = ended ? `ended (${JSON.stringify(ended)})` : `was not ready after ${START_LIMIT_MS} ms`;
        throw new Error(`${this.#name} ${why}:\n${this.log}`);
      }
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  #matches(ready) {
    return typeof ready === 'function' ? ready() : ready.test(this.log);
  }

  /** Its exit code and signal, once it has ended by itself. */
  get ended() {
    return this.#exit;
  }

  get pid() {
    return this.#child.pid;
  }

  /** SIGTERM, and what came of it. More than ten seconds is a failure. */
  async stop() {
    this.#child.kill('SIGTERM');
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, STOP_LIMIT_MS, 'late'); });
    const end = await Promise.race([this.#exit, late]);
    clearTimeout(timer);
    if (end === 'late') {
      this.#child.kill('SIGKILL');
      throw new Error(`${this.#name} still ran ${STOP_LIMIT_MS} ms after SIGTERM:\n${this.log}`);
    }
    return end;
  }

  /** No output holds any of these. The message does not repeat the secret. */
  assertNoSecrets(secrets) {
    for (const secret of new Set(secrets)) {
      assert.ok(secret.length >= 12, 'a secret is too long to occur by chance');
      const at = this.log.indexOf(secret);
      const before = this.log.slice(Math.max(0, at - 120), Math.max(0, at));
      assert.ok(at < 0, `${this.#name} wrote a secret to its log, after: …${before}`);
    }
  }
}
