// A real SAML identity provider on loopback: Debian's SimpleSAMLphp under PHP's own server. It
// reads its settings for every request, so one process can sign, encrypt and name in all ways.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { directory } from './company.mjs';
import { freePort, Program } from './program.mjs';

const templates = fileURLToPath(new URL('../templates/simplesamlphp', import.meta.url));
const packaged = '/usr/share/simplesamlphp/www';

const URI = 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri';
const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const MICROSOFT = 'http://schemas.microsoft.com';

/** Three habits of naming the same attributes: what the provider writes, and so what we look for. */
export const NAMINGS = {
  plain: {
    format: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
    names: { name: 'displayName', email: 'mail', groups: 'groups', organization: 'o' },
  },
  oid: {
    format: URI,
    names: {
      name: 'urn:oid:2.16.840.1.113730.3.1.241',
      email: 'urn:oid:0.9.2342.19200300.100.1.3',
      groups: 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1',
      organization: 'urn:oid:2.5.4.10',
    },
  },
  entra: {
    format: URI,
    names: {
      name: `${MICROSOFT}/identity/claims/displayname`,
      email: `${CLAIMS}/emailaddress`,
      groups: `${MICROSOFT}/ws/2008/06/identity/claims/groups`,
      organization: `${MICROSOFT}/identity/claims/tenantid`,
    },
  },
};

/** What is signed. With nothing signed no service provider may believe it. */
export const SIGNING = {
  response: { signResponse: true, signAssertion: false },
  assertion: { signResponse: false, signAssertion: true },
  both: { signResponse: true, signAssertion: true },
  nothing: { signResponse: false, signAssertion: false },
};

const USUAL = {
  ...SIGNING.both, encrypt: false, wantSignedRequests: false, nameId: 'persistent', naming: 'plain',
};

function phpPath() {
  const found = ['/usr/bin/php', '/usr/local/bin/php'].find((path) => existsSync(path));
  assert.ok(found && existsSync(packaged), 'SimpleSAMLphp is not installed; run scripts/install-test-parts.sh');
  return found;
}

const VALIDATE = `
libxml_use_internal_errors(true);
$document = new DOMDocument();
$document->loadXML(stream_get_contents(STDIN));
$valid = $document->schemaValidate($argv[1]);
foreach (libxml_get_errors() as $error) echo $error->message;
exit($valid ? 0 : 1);`;

/** A message or metadata is what the standard's own schema says that it is. */
export function mustBeValid(xml, schema) {
  const file = `/usr/share/simplesamlphp/schemas/saml-schema-${schema}-2.0.xsd`;
  const { status, stdout } = spawnSync(phpPath(), ['-r', VALIDATE, file], { input: xml, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}\n${xml}`);
}

/** A key and its certificate in PEM files. */
export function makeKey(keyFile, certificateFile, subject = 'stories') {
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '90',
    '-keyout', keyFile, '-out', certificateFile, '-subj', `/CN=${subject}`,
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A certificate whose last day is long over, as metadata have it: base64 without the frame. */
export function certificateOver() {
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-over-`);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=over');
    writeFileSync(`${directory}/index.txt`, '');
    writeFileSync(`${directory}/ca.cnf`, '[ca]\ndefault_ca=one\n[one]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\nrand_serial=yes\npolicy=any\n[any]\ncommonName=supplied\n');
    openssl(
      'ca', '-batch', '-config', 'ca.cnf', '-selfsign', '-keyfile', 'key.pem', '-in', 'request.pem', '-out', 'over.pem',
      '-md', 'sha256', '-notext', '-startdate', '20190101000000Z', '-enddate', '20200101000000Z',
    );
    return readFileSync(`${directory}/over.pem`, 'utf8').replace(/-----[A-Z ]+-----|\s/g, '');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

class SamlIdp {
  origin;
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-saml-`);
  #program;
  #mode;
  #salt = randomBytes(16).toString('hex');

  /** Its entity id, which is also where its metadata is. */
  get entityId() {
    return `${this.origin}/simplesaml/saml2/idp/metadata.php`;
  }

  get metadataUrl() {
    return this.entityId;
  }

  get log() {
    return this.#program.log;
  }

  async start({ host, mode }) {
    const port = await freePort();
    this.origin = `http://${host}:${port}`;
    cpSync(templates, this.#directory, { recursive: true });
    for (const name of ['cert', 'log', 'data', 'temp', 'sessions', 'root']) mkdirSync(`${this.#directory}/${name}`);
    makeKey(`${this.#directory}/cert/idp.key`, `${this.#directory}/cert/idp.crt`, 'identity provider');
    symlinkSync(packaged, `${this.#directory}/root/simplesaml`);
    this.configure(mode);
    this.#program = await Program.start({
      name: 'simplesamlphp',
      command: phpPath(),
      args: ['-d', 'opcache.enable_cli=0', '-S', `127.0.0.1:${port}`, '-t', `${this.#directory}/root`],
      env: { SIMPLESAMLPHP_CONFIG_DIR: this.#directory },
      ready: async () => (await fetch(this.metadataUrl).catch(() => undefined))?.ok === true,
    });
    return this;
  }

  /** How it behaves from the next request on. What is not named is as usual. */
  configure(changes = {}) {
    this.#mode = { ...USUAL, ...changes };
    const { naming, ...rest } = this.#mode;
    const { format, names } = NAMINGS[naming];
    const plain = NAMINGS.plain.names;
    const renamed = Object.keys(plain).filter((key) => plain[key] !== names[key]);
    const mode = {
      ...rest,
      origin: this.origin,
      salt: this.#salt,
      people: Object.entries(directory()).map(([username, person]) => ({ username, ...person })),
      nameFormat: format,
      // PHP makes a list of an empty object, which the filter takes just as well.
      names: Object.fromEntries(renamed.map((key) => [plain[key], names[key]])),
    };
    writeFileSync(`${this.#directory}/mode.json`, JSON.stringify(mode));
  }

  /** Knows a service provider from now on. */
  trust(name, metadata) {
    assert.match(metadata, /EntityDescriptor/, 'service provider metadata');
    writeFileSync(`${this.#directory}/metadata/${name}.xml`, metadata);
  }

  async metadata() {
    const response = await fetch(this.metadataUrl);
    assert.equal(response.status, 200);
    return response.text();
  }

  async stop() {
    try {
      await this.#program?.stop();
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

/**
 * @param {object} [options]
 * @param {'127.0.0.1'|'localhost'} [options.host] two hosts are two sites for a browser
 * @param {object} [options.mode] see {@link SamlIdp.configure}
 */
export async function startSamlIdp({ host = '127.0.0.1', mode } = {}) {
  const idp = new SamlIdp();
  try {
    return await idp.start({ host, mode });
  } catch (error) {
    await idp.stop().catch(() => {});
    throw error;
  }
}
