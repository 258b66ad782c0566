// A pooler that lends server connections for a transaction mixes up the statements of its clients. It
// is refused before anything is asked through it; its session mode is as good as no pooler.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { run } from '../lib/command.mjs';
import { freshSecrets } from '../lib/configs.mjs';
import { freshDatabase } from '../lib/deployment.mjs';
import { startPooler } from '../lib/pooler.mjs';

const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-pooled-`);
const config = `${directory}/wicketgate.toml`;

/** Makes the schema in the database at `url`. */
function migrate(url) {
  writeFileSync(config, `public_url = "http://127.0.0.1:8787"
[database]
url = ${JSON.stringify(url)}
[oauth]
key_encryption_key = { env = "WICKETGATE_KEY_ENCRYPTION_KEY" }
bridge_token_signing_secret = { env = "WICKETGATE_BRIDGE_SECRET" }
[sign_in]
demo_people = true
[mcp]
allowed_scopes = "mcp:read"
[[mcp.server]]
upstream = { url = "http://127.0.0.1:9/mcp" }
`);
  return run(['migrate', '--config', config], { env: freshSecrets() });
}

after(() => rmSync(directory, { recursive: true, force: true }));

for (const mode of ['session', 'transaction', 'statement']) {
  describe(`PgBouncer in ${mode} mode`, () => {
    let pooler;
    let database;
    before(async () => {
      database = freshDatabase();
      pooler = await startPooler(database, mode);
    });
    after(() => pooler.stop());

    test(mode === 'session' ? 'serves' : 'is refused, and nothing is asked through it', async () => {
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const { code, notes } = await migrate(pooler.url);
        if (mode === 'session') {
          assert.equal(code, 0, notes);
        } else {
          assert.notEqual(code, 0);
          assert.match(notes, /pooler that shares server connections/);
        }
      }
      const direct = await migrate(database);
      assert.equal(direct.code, 0, direct.notes);
    });
  });
}
