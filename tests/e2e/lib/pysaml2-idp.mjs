// A SAML identity provider on pysaml2 on loopback: python/pysaml2_idp.py. It reads its settings for
// every request, so one process can sign and name in all ways.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { directory } from './company.mjs';
import { freePort, Program } from './program.mjs';
import { makeKey } from './saml-idp.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What its operator has to write, and into `service.idp`: by itself it signs with SHA-1. */
export const SHA256 = {
  signing_algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  digest_algorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
};
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const POST = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';

/** The company's people. Groups have a name here that pysaml2 knows an OID for. */
function people() {
  return Object.fromEntries(Object.entries(directory()).map(([username, { password, attributes }]) => {
    const { groups, ...rest } = attributes;
    return [username, { password, attributes: { ...rest, ...(groups ? { isMemberOf: groups } : {}) } }];
  }));
}

class Pysaml2Idp {
  origin;
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-pysaml2-`);
  #program;

  get metadataUrl() {
    return `${this.origin}/metadata`;
  }

  get log() {
    return this.#program.log;
  }

  async start() {
    const port = await freePort();
    this.origin = `http://localhost:${port}`;
    makeKey(`${this.#directory}/idp.key`, `${this.#directory}/idp.crt`, 'pysaml2');
    this.configure();
    this.#program = await Program.start({
      name: 'pysaml2',
      command: here('../.venv-pysaml2/bin/python'),
      args: ['-u', here('../python/pysaml2_idp.py')],
      env: { PORT: String(port), SETTINGS: `${this.#directory}/settings.json` },
      ready: async () => (await fetch(this.metadataUrl).catch(() => undefined))?.ok === true,
    });
    return this;
  }

  /**
   * How it behaves from the next request on.
   *
   * @param {object} [how]
   * @param {object} [how.algorithms] in the place of SHA-256; nothing is its own choice
   * @param {boolean} [how.persistent] whether its operator chose the format of names
   */
  configure({ algorithms = SHA256, persistent = true } = {}) {
    const config = {
      entityid: this.metadataUrl,
      key_file: `${this.#directory}/idp.key`,
      cert_file: `${this.#directory}/idp.crt`,
      service: {
        idp: {
          endpoints: { single_sign_on_service: [[`${this.origin}/sso`, REDIRECT], [`${this.origin}/sso`, POST]] },
          policy: { default: persistent ? { nameid_format: PERSISTENT } : {} },
          sign_response: true,
          sign_assertion: true,
          ...algorithms,
        },
      },
    };
    writeFileSync(`${this.#directory}/settings.json`, JSON.stringify({ config, people: people() }));
  }

  /** Knows a service provider from now on. */
  trust(name, metadata) {
    assert.match(metadata, /EntityDescriptor/, 'service provider metadata');
    writeFileSync(`${this.#directory}/${name}.xml`, metadata);
  }

  async stop() {
    try {
      await this.#program?.stop();
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

/** Starts it; see {@link Pysaml2Idp.configure} for what can be changed. */
export async function startPysaml2Idp() {
  const idp = new Pysaml2Idp();
  try {
    return await idp.start();
  } catch (error) {
    await idp.stop().catch(() => {});
    throw error;
  }
}
