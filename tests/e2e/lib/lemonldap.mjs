// A real LemonLDAP::NG on loopback: Debian's portal under its own FastCGI server, behind nginx. It
// is an OpenID provider and a SAML identity provider at once, for the same people.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { startDirectory } from './company-directory.mjs';
import { settings } from './lemonldap-settings.mjs';
import { startPortalNginx } from './nginx.mjs';
import { freePort, Program } from './program.mjs';
import { makeKey } from './saml-idp.mjs';

const program = '/usr/sbin/llng-fastcgi-server';
const ini = readFileSync(new URL('../templates/lemonldap/lemonldap-ng.ini', import.meta.url), 'utf8');

/** Where the portal's own processes may write. They refuse to be root, and become nobody. */
const KEPT = ['conf', 'cache', 'sessions', 'sessions/lock', 'psessions', 'psessions/lock', 'run'];
const isRoot = process.getuid() === 0;
const UNPRIVILEGED = ['nobody', 'nogroup'];

class LemonLdap {
  /** Where people and programs reach it. */
  origin;
  /** What an OpenID relying party is told: id, secret and issuer. */
  client;
  #host;
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-lemonldap-`);
  #people;
  #portal;
  #nginx;
  #keys;
  #clients = {};
  #services = {};
  #number = 0;

  get metadataUrl() {
    return `${this.origin}/saml/metadata/idp`;
  }

  get log() {
    return this.#portal.log;
  }

  async start(host) {
    assert.ok(existsSync(program), 'LemonLDAP::NG is not installed; run scripts/install-test-parts.sh');
    const port = await freePort();
    this.#host = host;
    this.origin = `http://${host}:${port}`;
    this.client = { issuer: `${this.origin}/`, client_id: 'wicketgate', client_secret: randomBytes(24).toString('base64url') };
    this.#people = await startDirectory();
    this.#makeFiles();
    this.#configure();
    const socket = `${this.#directory}/run/portal.sock`;
    this.#portal = await Program.start({
      name: 'lemonldap-ng',
      command: program,
      args: [
        '--foreground', '--proc', '1', '--socket', socket, '--pid', `${this.#directory}/run/portal.pid`,
        ...(isRoot ? ['--user', UNPRIVILEGED[0], '--group', UNPRIVILEGED[1]] : []),
      ],
      env: {
        LLNG_DEFAULTCONFFILE: `${this.#directory}/lemonldap-ng.ini`,
        LLNG_DEFAULTLOGGER: 'Lemonldap::NG::Common::Logger::Std',
      },
      ready: () => existsSync(socket),
    });
    this.#nginx = await startPortalNginx({ prefix: `${this.#directory}/nginx`, port, socket });
    return this;
  }

  #makeFiles() {
    for (const name of KEPT) mkdirSync(`${this.#directory}/${name}`);
    writeFileSync(`${this.#directory}/lemonldap-ng.ini`, ini.replaceAll('@DIRECTORY@', this.#directory));
    const [key, certificate] = [`${this.#directory}/portal.key`, `${this.#directory}/portal.crt`];
    makeKey(key, certificate, 'lemonldap');
    this.#keys = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
    if (isRoot) execFileSync('chown', ['--recursive', UNPRIVILEGED.join(':'), this.#directory]);
  }

  /** What the next request is answered with, once it has been told to read it. */
  #configure() {
    this.#number += 1;
    const text = JSON.stringify(settings({
      number: this.#number,
      origin: this.origin,
      host: this.#host,
      directory: this.#directory,
      people: this.#people.url,
      keys: this.#keys,
      clients: this.#clients,
      services: this.#services,
    }));
    writeFileSync(`${this.#directory}/conf/lmConf-${this.#number}.json`, text);
  }

  async #reload() {
    this.#configure();
    const response = await fetch(`${this.origin}/reload`);
    assert.ok(response.ok, `${response.status}\n${this.log}`);
  }

  /** Knows this OpenID relying party from now on, with these options of LemonLDAP's beside the usual. */
  register({ options, ...client }) {
    this.#clients.wicketgate = { client: { ...this.client, ...client }, options };
    return this.#reload();
  }

  /** Knows a SAML service provider from now on, in the same way. */
  trust(name, metadata, { options = {} } = {}) {
    assert.match(metadata, /EntityDescriptor/, 'service provider metadata');
    this.#services[name] = { metadata, options };
    return this.#reload();
  }

  async stop() {
    try {
      await this.#nginx?.stop();
      await this.#portal?.stop();
      await this.#people?.stop();
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

/**
 * @param {object} [options]
 * @param {'127.0.0.1'|'localhost'} [options.host] two hosts are two sites, and have two sets of cookies
 */
export async function startLemonLdap({ host = 'localhost' } = {}) {
  const idp = new LemonLdap();
  try {
    return await idp.start(host);
  } catch (error) {
    await idp.stop().catch(() => {});
    throw error;
  }
}
