// A PostgreSQL of a story's own, that it may stop and start.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../../../scripts/postgres.sh', import.meta.url));

/** While a node starts or stops, the programs of the story go on. */
export async function postgres(...words) {
  const { stdout } = await promisify(execFile)(script, words);
  return stdout.trim();
}

export class PostgresNode {
  directory = mkdtempSync('/tmp/wicketgate-e2e-postgres.');
  url;

  static async start() {
    const node = new PostgresNode();
    try {
      node.url = await postgres('start', node.directory);
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** What the only column of the only row is. */
  ask(query) {
    return execFileSync('psql', ['--quiet', '--no-psqlrc', '--tuples-only', '--no-align', this.url, '--command', query], { encoding: 'utf8' }).trim();
  }

  /** Nobody answers at its address from now on. */
  async halt() {
    await postgres('halt', this.directory);
  }

  /** It is there again, with everything that was committed. */
  async resume() {
    await postgres('resume', this.directory);
  }

  /** From now on only over TLS, with these files. */
  async encrypt(certificate, key) {
    await postgres('encrypt', this.directory, certificate, key);
  }

  async stop() {
    if (this.url) await postgres('stop', this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
