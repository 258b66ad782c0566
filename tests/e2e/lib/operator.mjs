// An operator at a shell, who types what the documentation shows: in a directory where the program is
// at hand and the configuration is the one of a deployment.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { binary } from './gateway.mjs';
import { plainEnvironment } from './program.mjs';

export class Operator {
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-operator-`);
  #env = {};

  constructor() {
    for (const name of ['bin', 'config', 'data']) mkdirSync(this.file(name));
    symlinkSync(binary(), this.file('bin/wicketgate'));
  }

  file(name) {
    return `${this.#directory}/${name}`;
  }

  /** The database in this directory, as the documentation calls it. */
  get sqlite() {
    return `sqlite://${this.file('data/wicketgate.db')}`;
  }

  /** Takes over a deployment's configuration and secrets, with this database in place of its own. */
  takeOver({ config, env }, database) {
    const text = readFileSync(config, 'utf8').replace(/^url = "(?:sqlite|postgres):.*"$/m, `url = ${JSON.stringify(database)}`);
    writeFileSync(this.file('config/wicketgate.toml'), text);
    Object.assign(this.#env, env);
  }

  get config() {
    return this.file('config/wicketgate.toml');
  }

  get env() {
    return this.#env;
  }

  /** Runs a script to its good end, and gives back what it wrote; `input` is what it is told. */
  async type(script, variables = {}, input = '') {
    const env = plainEnvironment({ ...this.#env, ...variables, PATH: `${this.file('bin')}:${process.env.PATH}` });
    // What it talks to may be part of this process, which therefore does not wait here.
    const typing = promisify(execFile)('/bin/bash', ['--norc', '-euc', script], { cwd: this.#directory, env });
    typing.child.stdin.on('error', () => {}).end(input);
    return (await typing).stdout;
  }

  clear() {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
