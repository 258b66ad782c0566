// A snippet of configuration from the documentation, made whole as the people who follow the page
// would do it: with everything that the page does not repeat, their own values, files and secrets.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { run } from './command.mjs';
import { blocksIn, literally, page } from './documentation.mjs';
import { makeKey, startSamlIdp } from './saml-idp.mjs';

/** What every configuration of this role has, where the snippet has it not. */
const REST = {
  all: {
    public_url: 'public_url = "https://mcp.example.com"\n',
    database: '[database]\nurl = "sqlite://wicketgate.db"\n',
    oauth: '[oauth]\nkey_encryption_key = { env = "WICKETGATE_KEY_ENCRYPTION_KEY" }\nbridge_token_signing_secret = { env = "WICKETGATE_BRIDGE_SECRET" }\n',
  },
  mcp: { public_url: 'public_url = "https://hr.example.com"\n' },
};
const SERVER = { name: 'name = "default"', upstream: 'upstream = { url = "http://127.0.0.1:9000/mcp" }', rules: 'rules = [{ tools = ["*"], scope = "mcp:read" }]' };
const SIDECAR = { issuer: 'issuer = "https://mcp.example.com"', sealing_key: 'sealing_key = { env = "WICKETGATE_SEALING_KEY" }' };
const SOME_PROVIDER = '\n[[sign_in.provider]]\nid = "corp"\nname = "Some"\nkind = "local"\ndomains = ["example.com"]\n';

/** A snippet that is for one process of several says so in its first line. */
function roleOf(snippet) {
  if (snippet.startsWith('# At the sidecar:')) return 'mcp';
  return snippet.startsWith('# At the authorization server:') ? 'auth' : 'all';
}

/** The lines that the table with this header lacks. */
function completed(text, header, lines) {
  const has = (key) => new RegExp(`${literally(header)}(?:(?!\\n\\[)[\\s\\S])*\\n${key} = `).test(text);
  const missing = Object.entries(lines).filter(([key]) => !has(key)).map(([, line]) => line);
  return text.replace(`${header}\n`, `${header}\n${missing.join('\n')}\n`);
}

/** Whatever a snippet leaves out, of the file and of the tables that it begins. */
function whole(snippet, role) {
  const { public_url: top, ...tables } = REST[role] ?? REST.all;
  let text = /^public_url = /m.test(snippet) ? snippet : `${top}\n${snippet}`;
  if (role !== 'mcp' && !text.includes('[[sign_in.provider]]')) text += SOME_PROVIDER;
  if (!text.includes('[[mcp.server]]')) text += '\n[[mcp.server]]\n';
  if (role === 'mcp' && !/^\[mcp\]$/m.test(text)) text += '\n[mcp]\n';
  for (const [name, table] of Object.entries(tables)) if (!text.includes(`[${name}]`)) text += `\n${table}`;
  text = completed(text, '[[mcp.server]]', SERVER);
  return role === 'mcp' ? completed(text, '[mcp]', SIDECAR) : text;
}

/** Where people write their own values. */
const PLACEHOLDERS = {
  TENANT_ID: '11111111-2222-3333-4444-555555555555',
  APPLICATION_ID: '66666666-7777-8888-9999-000000000000',
  APP_ID: 'exk1a2b3c4',
  REALM: 'company',
  YOUR: 'company',
  '…': 'a1b2c3d4e5',
};

function filledIn(text) {
  return Object.entries(PLACEHOLDERS).reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

/** Programs that a snippet names are those of the tests. */
const PROGRAMS = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));

/** Where snippets are tried, and what a SAML provider says of itself. */
export class Snippets {
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-snippets-`);
  #metadata;

  async start() {
    const idp = await startSamlIdp();
    this.#metadata = { xml: await idp.metadata(), entityId: idp.entityId };
    await idp.stop();
    this.#makeKeys();
    return this;
  }

  /** Keys and certificates as the documentation makes them. */
  #makeKeys() {
    const [script] = blocksIn(page('docs/sign-in/README.md'), 'sh').filter(({ heading }) => heading === 'Keys and certificates');
    execFileSync('/bin/bash', ['--norc', '-euc', script.body], { cwd: this.#directory, stdio: 'ignore' });
  }

  /** Texts of 32 bytes, or the portal's public key where that is asked for. */
  #secretsFor(text) {
    const names = [...text.matchAll(/\benv = "([A-Z_]+)"/g)].map(([, name]) => name);
    const env = Object.fromEntries(names.map((name) => [name, randomBytes(32).toString('base64')]));
    if (/^algorithm = "ES256"/m.test(text)) {
      env[/^key = \{ env = "([A-Z_]+)"/m.exec(text)[1]] = readFileSync(`${this.#directory}/portal-public.pem`, 'utf8');
    }
    return env;
  }

  clear() {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The files that a configuration names: as the people who follow the page would have them. */
  #makeFiles(text, place) {
    const named = (pattern) => [...text.matchAll(pattern)].map(([, name]) => `${place}/${name}`);
    const pin = /^idp_entity_id = "([^"]*)"/m.exec(text)?.[1] ?? this.#metadata.entityId;
    for (const file of named(/^metadata_file = "([^"]*)"/gm)) {
      writeFileSync(file, this.#metadata.xml.replace(this.#metadata.entityId, pin));
    }
    const made = (name, files) => { for (const file of files) copyFileSync(`${this.#directory}/${name}`, file); };
    made('saml-certificate.pem', named(/^certificate_file = "([^"]*)"/gm));
    made('saml-key.pem', named(/^key = \{ file = "([^"]*)" \}/gm));
    made('client-key.pem', named(/^client_key = \{ file = "([^"]*)" \}/gm));
    for (const file of named(/^(?:extra_ca|metadata_certificate)_file = "([^"]*)"/gm)) makeKey(`${place}/authority.key`, file);
  }

  /** `config check` finds nothing to say against it. */
  async mustBeGood(snippet) {
    const place = mkdtempSync(`${this.#directory}/try-`);
    const role = roleOf(snippet);
    const text = whole(filledIn(snippet), role);
    this.#makeFiles(text, place);
    const file = `${place}/wicketgate.toml`;
    writeFileSync(file, text);
    const env = { HOME: place, ...this.#secretsFor(text), PATH: `${PROGRAMS}:${process.env.PATH}` };
    const { code, out, notes } = await run(['config', 'check', '--role', role, '--config', file], { env });
    assert.equal(code, 0, `${out}${notes}\n${text}`);
  }
}
