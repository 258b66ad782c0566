// The binary's commands that do one thing and end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { binary } from './gateway.mjs';
import { plainEnvironment } from './program.mjs';

const LIMIT_MS = 60_000;

async function read(stream) {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

/**
 * Runs one command to its end.
 *
 * @param {string[]} args
 * @param {object} [options]
 * @param {object} [options.env] nothing else of the surroundings reaches it
 * @param {string} [options.input] its standard input
 * @returns {Promise<{code: number|null, out: string, notes: string}>} standard output and error
 */
export async function run(args, { env = {}, input = '' } = {}) {
  const child = spawn(binary(), args, { env: plainEnvironment(env), timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  // Who wants no input may be gone before it is written.
  child.stdin.on('error', () => {}).end(input);
  const [out, notes, [code]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
  return { code, out, notes };
}
