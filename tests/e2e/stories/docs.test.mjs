// The documentation, followed by somebody who has nothing else: each snippet is filled in and must
// be a configuration, and each command must exist.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { run } from '../lib/command.mjs';
import {
  asOffered, blocks, commands, offersInText, pages, withSetting, words,
} from '../lib/documentation.mjs';
import { makeKey, startSamlIdp } from '../lib/saml-idp.mjs';

let directory;
let metadata;

before(async () => {
  directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-docs-`);
  const idp = await startSamlIdp();
  metadata = { xml: await idp.metadata(), entityId: idp.entityId };
  await idp.stop();
});

after(() => rmSync(directory, { recursive: true, force: true }));

/** What every configuration has, and the documentation of sign-in does not repeat. */
const REST = `
public_url = "https://mcp.example.com"
[database]
url = "sqlite://wicketgate.db"
[oauth]
key_encryption_key = { env = "WICKETGATE_KEY_ENCRYPTION_KEY" }
bridge_token_signing_secret = { env = "WICKETGATE_BRIDGE_SECRET" }
`;
const SERVER = { name: 'name = "default"', upstream: 'upstream = { url = "http://127.0.0.1:9000/mcp" }', rules: 'rules = [{ tools = ["*"], scope = "mcp:read" }]' };
const SOME_PROVIDER = '\n[[sign_in.provider]]\nid = "corp"\nname = "Some"\nkind = "local"\ndomains = ["example.com"]\n';

/** Whatever a snippet leaves out of the tables that it begins. */
function whole(snippet) {
  let text = snippet;
  if (!text.includes('[[sign_in.provider]]')) text += SOME_PROVIDER;
  if (!text.includes('[[mcp.server]]')) text += '\n[[mcp.server]]\n';
  const missing = Object.entries(SERVER).filter(([key]) => !new RegExp(`\\[\\[mcp\\.server\\]\\](?:(?!\\n\\[)[\\s\\S])*\\n${key} = `).test(text));
  return REST + text.replace('[[mcp.server]]\n', `[[mcp.server]]\n${missing.map(([, line]) => line).join('\n')}\n`);
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

function privateKey() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** The files that a configuration names: as the people who follow the page would have them. */
function makeFiles(text, place) {
  const named = (pattern) => [...text.matchAll(pattern)].map(([, name]) => `${place}/${name}`);
  const pin = /^idp_entity_id = "([^"]*)"/m.exec(text)?.[1] ?? metadata.entityId;
  for (const file of named(/^metadata_file = "([^"]*)"/gm)) {
    writeFileSync(file, metadata.xml.replace(metadata.entityId, pin));
  }
  const [certificate] = named(/^certificate_file = "([^"]*)"/gm);
  const [key] = named(/^key = \{ file = "([^"]*)" \}/gm);
  if (certificate) makeKey(key ?? `${place}/unnamed.key`, certificate);
  for (const file of named(/^client_key = \{ file = "([^"]*)" \}/gm)) writeFileSync(file, privateKey());
  for (const file of named(/^extra_ca_file = "([^"]*)"/gm)) makeKey(`${place}/authority.key`, file);
}

/** Texts of 32 bytes, or the portal's public key where that is asked for. */
function secretsFor(text) {
  const names = [...text.matchAll(/\benv = "([A-Z_]+)"/g)].map(([, name]) => name);
  const env = Object.fromEntries(names.map((name) => [name, randomBytes(32).toString('base64')]));
  if (/^algorithm = "ES256"/m.test(text)) {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    env[/^key = \{ env = "([A-Z_]+)"/m.exec(text)[1]] = publicKey.export({ type: 'spki', format: 'pem' });
  }
  return env;
}

async function mustBeGood(snippet) {
  const place = mkdtempSync(`${directory}/try-`);
  const text = whole(filledIn(snippet));
  makeFiles(text, place);
  const file = `${place}/wicketgate.toml`;
  writeFileSync(file, text);
  const { code, out, notes } = await run(['config', 'check', '--config', file], { env: secretsFor(text) });
  assert.equal(code, 0, `${out}${notes}\n${text}`);
}

describe('a snippet, filled in, is a configuration', () => {
  let count = 0;
  for (const page of pages()) {
    for (const { heading, body } of blocks(page, 'toml')) {
      count += 1;
      test(`${page.path}, ${heading}`, () => mustBeGood(body));
      const offered = asOffered(body);
      if (offered) test(`${page.path}, ${heading}, as its comments offer`, () => mustBeGood(offered));
    }
  }
  test('there are as many as there are ways', () => assert.ok(count >= 22, `${count} snippets`));
});

/** Settings in the text that are about something else, or that the page speaks of to refuse them. */
const NOT_FOR_A_SNIPPET = new Set(['kind', 'enabled', 'url', 'issuer', 'access', 'domains', 'visibility', 'public_url', 'type', 'provider']);

describe('a setting that the text of a page offers fits into one of its snippets', () => {
  for (const page of pages().filter(({ path }) => path.startsWith('docs/sign-in/'))) {
    const snippets = blocks(page, 'toml').map(({ body }) => body).filter((body) => body.includes('kind ='));
    for (const { key, value } of offersInText(page).filter((offer) => !NOT_FOR_A_SNIPPET.has(offer.key))) {
      test(`${page.path}: ${key} = ${value}`, async (t) => {
        if (snippets.length === 0) return mustBeGoodForSomeKind(key, value);
        const attempts = snippets.map((snippet) => mustBeGood(withSetting(snippet, key, value)));
        const ends = await Promise.allSettled(attempts);
        const why = ends.map(({ reason }) => reason?.message).join('\n');
        t.diagnostic(`${ends.filter(({ status }) => status === 'fulfilled').length} of ${ends.length}`);
        assert.ok(ends.some(({ status }) => status === 'fulfilled'), why);
        return undefined;
      });
    }
  }

  /** The overview has no snippets of its own for providers: those of another page. */
  async function mustBeGoodForSomeKind(key, value) {
    const page = pages().find(({ path }) => path.endsWith('keycloak.md'));
    const ends = await Promise.allSettled(blocks(page, 'toml').map(({ body }) => mustBeGood(withSetting(body, key, value))));
    assert.ok(ends.some(({ status }) => status === 'fulfilled'), ends.map(({ reason }) => reason?.message).join('\n'));
  }
});

describe('a command that a page names exists, with its options', () => {
  for (const page of pages()) {
    for (const command of commands(page)) {
      test(`${page.path}: wicketgate ${command}`, async () => {
        const { code, notes } = await run([...words(command), '--help']);
        assert.equal(code, 0, notes);
      });
    }
  }
});
