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
"${process.execPath}" "${browser}" "$url" >>"$E2E_BROWSER_LOG" 2>&1 &
`;

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
    });
  }

  file(name) {
    return `${this.#directory}/${name}`;
  }

  /** What a program needs to run at this desk. */
  env(extra = {}) {
    return { ...this.#env, ...extra };
  }

  /** What the browser had to say, for the message of a failure. */
  get browserLog() {
    return existsSync(this.file('browser.log')) ? readFileSync(this.file('browser.log'), 'utf8') : 'no browser was opened';
  }

  /** Runs a program to its end, which must be a good one; gives back its standard output. */
  async run(command, args, { env = {}, input = '' } = {}) {
    const child = spawn(command, args, { env: this.env(env), timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    const output = { stdout: '', stderr: '' };
    for (const name of Object.keys(output)) child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
    child.stdin.on('error', () => {}).end(input);
    const [code, signal] = await once(child, 'close');
    assert.equal(code, 0, `${command} ${args.join(' ')} ended with ${code ?? signal}\n${output.stdout}\n${output.stderr}\n${this.browserLog}`);
    return output.stdout;
  }

  /** Everything that the browser touched and no log may hold. */
  get secrets() {
    return existsSync(this.file('secrets')) ? readFileSync(this.file('secrets'), 'utf8').split('\n').filter((line) => line.length >= 12) : [];
  }

  clear() {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
