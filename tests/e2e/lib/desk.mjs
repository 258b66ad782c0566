// The desk of somebody who runs programs: an empty home, a browser that the programs open, and
// nothing of the surroundings.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './program.mjs';

const browser = fileURLToPath(new URL('./fake-browser.mjs', import.meta.url));
const LIMIT_MS = 60_000;

/** Programs wait for a browser that does not return, so it works in the background, as real ones do. */
const OPENER = `#!/bin/sh
for url; do :; done
printf '%s\\n' "$url" >>"$E2E_BROWSER_OPENED"
"${process.execPath}" "${browser}" "$url" >>"$E2E_BROWSER_LOG" 2>&1 &
`;

/** Whoever listens to a part of what a program says leaves the rest unread, and it could not end. */
async function converse({ stdin, stdout }, input) {
  if (typeof input === 'string') return stdin.end(input);
  try {
    await input(stdin, stdout);
  } finally {
    stdin.end();
    stdout.resume();
  }
}

export class Desk {
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-desk-`);
  #env;

  constructor({ user = 'basic' } = {}) {
    for (const name of ['xdg-open', 'x-www-browser']) {
      writeFileSync(this.file(name), OPENER, { mode: 0o755 });
    }
    this.#env = plainEnvironment({
      PATH: `${this.#directory}:${process.env.PATH}`,
      HOME: this.#directory,
      BROWSER: this.file('xdg-open'),
      E2E_USER: user,
      E2E_SECRETS: this.file('secrets'),
      E2E_BROWSER_LOG: this.file('browser.log'),
      E2E_BROWSER_OPENED: this.file('opened'),
    });
  }

  file(name) {
    return `${this.#directory}/${name}`;
  }

  /** What a program needs to run at this desk. */
  env(extra = {}) {
    return { ...this.#env, ...extra };
  }

  /** Where the programs sent the browser, in order: one address for each window. */
  get opened() {
    return this.#lines('opened').map((line) => new URL(line));
  }

  /** What the browser had to say, for the message of a failure. */
  get browserLog() {
    return existsSync(this.file('browser.log')) ? readFileSync(this.file('browser.log'), 'utf8') : 'no browser was opened';
  }

  /**
   * Runs a program to its end, which must be a good one; gives back its standard output. `input` is
   * all that it reads, or a conversation with it: `(stdin, stdout) => Promise`, after which its input
   * ends.
   */
  async run(command, args, { env = {}, input = '' } = {}) {
    const child = spawn(command, args, {
      cwd: this.#directory, env: this.env(env), timeout: LIMIT_MS, killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    for (const name of Object.keys(output)) child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
    child.stdin.on('error', () => {});
    const [[code, signal]] = await Promise.all([once(child, 'close'), converse(child, input)]);
    assert.equal(code, 0, `${command} ${args.join(' ')} ended with ${code ?? signal}\n${output.stdout}\n${output.stderr}\n${this.browserLog}`);
    return output.stdout;
  }

  /** Everything that the browser touched and no log may hold. */
  get secrets() {
    return this.#lines('secrets').filter((line) => line.length >= 12);
  }

  #lines(name) {
    return existsSync(this.file(name)) ? readFileSync(this.file(name), 'utf8').split('\n').filter(Boolean) : [];
  }

  clear() {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
