// The portal of the documentation, as it is printed there.

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { freePort, Program } from './program.mjs';

const script = fileURLToPath(new URL('../../../docs/examples/portal.mjs', import.meta.url));

/** A portal that is configured, and that {@link Portal.start} starts once it knows whom it is for. */
class Portal {
  #key = randomBytes(32).toString('base64');
  #port;
  #id;
  #host;
  #program;

  async prepare(id, host) {
    this.#id = id;
    this.#host = host;
    this.#port = await freePort();
    return this;
  }

  get origin() {
    return `http://${this.#host}:${this.#port}`;
  }

  /** Our side of it, for {@link signInWith}. */
  get provider() {
    const variable = `PORTAL_KEY_${this.#id.toUpperCase()}`;
    const entry = {
      id: this.#id,
      name: `Portal ${this.#id}`,
      kind: 'portal',
      url: `${this.origin}/sso`,
      algorithm: 'HS256',
      key: { env: variable },
          };
    return { entry, secrets: { [variable]: this.#key } };
  }

  /** Another `key` than ours is a mistake that people make. */
  async start(issuer, key = this.#key) {
    this.#program = await Program.start({
      name: 'portal',
      command: process.execPath,
      args: [script],
      env: { PORT: String(this.#port), WICKETGATE_URL: issuer, PORTAL_ID: this.#id, PORTAL_KEY: key },
      ready: /portal on /,
    });
  }

  async stop() {
    await this.#program?.stop();
  }
}

/**
 * @param {string} id the provider's id
 * @param {'127.0.0.1'|'localhost'} [host] two hosts are two sites for a browser
 */
export function preparePortal(id, host = '127.0.0.1') {
  return new Portal().prepare(id, host);
}
