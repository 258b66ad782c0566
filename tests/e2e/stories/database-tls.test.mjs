// A PostgreSQL that is reached over TLS, as a managed one is, with a CA that only its operator knows.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { run } from '../lib/command.mjs';
import * as configs from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { PostgresNode } from '../lib/postgres-node.mjs';
import { until } from '../lib/refresher.mjs';
import { tellToTheEnd } from '../lib/story.mjs';
import { certificateFor } from '../lib/tamper.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-database-tls-`);
const file = (name) => `${directory}/${name}`;
const ca = file('ca.pem');

/** Whose connections are not encrypted, and how many are. */
const PLAIN = "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0 AND NOT ssl AND pid <> pg_backend_pid()";
const LISTENERS = "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND query LIKE 'LISTEN %'";

let database;
let other;

before(async () => {
  [database, other] = [await PostgresNode.start(), await PostgresNode.start()];
  const { key, cert, authority } = certificateFor('localhost');
  for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': cert, 'ca.pem': authority })) writeFileSync(file(name), text);
  writeFileSync(file('other-ca.pem'), certificateFor('localhost').authority);
  writeFileSync(file('empty.pem'), '');
  await database.encrypt(file('server.crt'), file('server.key'));
});

after(async () => {
  await database?.stop();
  await other?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Where it is, by this name and with these parameters. */
function urlOf(node, host, parameters) {
  const url = new URL(node.url);
  url.hostname = host;
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** Makes the schema there, or says why not. */
function migrate(database) {
  const path = file('wicketgate.toml');
  configs.oneProcess({
    path, publicUrl: 'http://127.0.0.1:8787', listen: '127.0.0.1:8787', database, ceiling: configs.SCOPES,
    upstream: 'http://127.0.0.1:9/mcp', rules: configs.READ_RULES,
  });
  return run(['migrate', '--config', path], { env: configs.freshSecrets() });
}

test('with the CA of the database the whole story is told, and nothing goes in clear', async () => {
  const upstream = await demoServer();
  let deployment;
  try {
    const url = urlOf(database, 'localhost', { sslmode: 'verify-full', sslrootcert: ca });
    deployment = await oneProcess({ ceiling: configs.SCOPES, upstream: upstream.url, database: url });
    const tools = await allTools(upstream.url);
    const setting = { url: deployment.url, ceiling: configs.SCOPES, tools, user: 'basic', tick: 'default', mode: MODES.automatic };
    deployment.secrets.push(...await tellToTheEnd(setting));
    await until('it listens, encrypted', () => database.ask(LISTENERS) === '1');
    assert.equal(database.ask(PLAIN), '0');
  } finally {
    await deployment?.stop();
    await gateway.stop(upstream.program);
  }
});

const UNKNOWN = /no CA that is trusted here signed the certificate.*sslrootcert=/s;

describe('it does not start, and says what to do', () => {
  const cases = {
    'another CA': [() => urlOf(database, 'localhost', { sslmode: 'verify-full', sslrootcert: file('other-ca.pem') }), UNKNOWN],
    'a file without a certificate': [() => urlOf(database, 'localhost', { sslmode: 'verify-full', sslrootcert: file('empty.pem') }), UNKNOWN],
    'public CAs only': [() => urlOf(database, 'localhost', { sslmode: 'verify-full' }), UNKNOWN],
    'public CAs only, whatever the name': [() => urlOf(database, 'localhost', { sslmode: 'verify-ca' }), UNKNOWN],
    'another name': [() => urlOf(database, '127.0.0.1', { sslmode: 'verify-full', sslrootcert: ca }), /for another name/],
    'a file that is not there': [() => urlOf(database, 'localhost', { sslmode: 'verify-full', sslrootcert: file('gone.pem') }), /sslrootcert.*cannot be read/s],
    'a CA that nobody would look at': [() => urlOf(database, 'localhost', { sslmode: 'require', sslrootcert: ca }), /write sslmode=verify-full/],
    'a server without TLS': [() => urlOf(other, 'localhost', { sslmode: 'verify-full', sslrootcert: ca }), /PostgreSQL has none/],
  };
  for (const [name, [url, says]] of Object.entries(cases)) {
    test(name, async () => {
      const { code, notes } = await migrate(url());
      assert.notEqual(code, 0);
      assert.match(notes, says);
    });
  }
});

describe('it starts', () => {
  const cases = {
    'by another name, with verify-ca': () => urlOf(database, '127.0.0.1', { sslmode: 'verify-ca', sslrootcert: ca }),
    'encrypted for anybody who answers, with require': () => urlOf(database, '127.0.0.1', { sslmode: 'require' }),
  };
  for (const [name, url] of Object.entries(cases)) {
    test(name, async () => {
      const { code, notes } = await migrate(url());
      assert.equal(code, 0, notes);
    });
  }
});
