// The documentation's backup of a running deployment, restored at a second place by its commands.

import assert from 'node:assert/strict';
import { copyFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { run } from '../lib/command.mjs';
import { freshSecrets, READ_RULES, SCOPES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { freshDatabase, oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import { blocksIn, page } from '../lib/documentation.mjs';
import * as gateway from '../lib/gateway.mjs';
import { Operator } from '../lib/operator.mjs';
import { typed } from '../lib/shell.mjs';
import { secretsOf } from '../lib/story.mjs';
import { knock, refresh, revoke } from '../lib/tokens.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const [backUpSqlite, restoreSqlite, movePostgres] = blocksIn(page('docs/deployment.md'), 'console')
  .filter(({ heading }) => heading === 'Backup').map(typed);

/** Each database: what it is called there and here, and how it comes from there to here. */
const DATABASES = {
  SQLite: {
    before: ({ first }) => first.sqlite,
    after: ({ second }) => second.sqlite,
    async backUp({ first, second }) {
      assert.ok(statSync(first.file('data/wicketgate.db-wal')).size > 0, 'some of it is in the other file');
      await first.type(backUpSqlite);
      copyFileSync(first.file('wicketgate-backup.db'), second.file('wicketgate-backup.db'));
    },
    /** The second place has what a crash left behind, which must not get into it. */
    spoil({ first, second }) {
      for (const suffix of ['', '-wal', '-shm']) {
        copyFileSync(first.file(`data/wicketgate.db${suffix}`), second.file(`data/wicketgate.db${suffix}`));
      }
    },
    restore: ({ second }) => second.type(restoreSqlite),
  },
  PostgreSQL: {
    before: () => freshDatabase(),
    after: () => freshDatabase(),
    backUp: ({ first, from, to }) => first.type(movePostgres, { DATABASE_URL: from, EMPTY_DATABASE_URL: to }),
    spoil: () => {},
    restore: ({ second }) => second.type('wicketgate keys list'),
  },
};

let upstream;

before(async () => {
  upstream = await demoServer();
});

after(() => gateway.stop(upstream.program));

for (const [name, database] of Object.entries(DATABASES)) {
  describe(`${name}, backed up while it runs`, () => {
    const [first, second] = [new Operator(), new Operator()];
    const people = {};
    let deployment;
    let restored;
    let metadata;
    let keys;
    let listed;

    const meet = async (user) => {
      const connection = await connect({ url: deployment.url, mode: MODES.legacy, choices: { user } });
      deployment.secrets.push(...secretsOf(connection));
      return connection;
    };

    before(async () => {
      const at = { first, second };
      at.from = database.before(at);
      at.to = database.after(at);
      deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, rules: READ_RULES, database: at.from });
      first.takeOver(deployment, at.from);
      second.takeOver(deployment, at.to);
      Object.assign(people, { kept: await meet('basic'), revoked: await meet('manager') });
      ({ metadata } = await discover(deployment.url, SCOPES));
      listed = await first.type('wicketgate user list --json');
      keys = await first.type('wicketgate keys list');
      await database.backUp(at);
      people.late = await meet('admin');
      await revoke(metadata, people.revoked.provider);
      database.spoil(at);
      for (const connection of Object.values(people)) await disconnect(connection).catch(() => {});
      await gateway.stop(deployment.gateways[0]);
      assert.ok((await database.restore(at)).includes(keys), 'the signing keys are those of before');
      restored = await gateway.serve({ config: second.config, env: second.env });
    });

    after(async () => {
      await gateway.stop(restored);
      restored.assertNoSecrets(deployment.secrets);
      await deployment.stop();
      for (const operator of [first, second]) operator.clear();
    });

    test('the people are there', async () => {
      assert.deepEqual(JSON.parse(await second.type('wicketgate user list --json')), JSON.parse(listed));
    });

    test('a client, its grant and its tokens go on', async () => {
      const { provider } = people.kept;
      assert.notEqual((await knock(deployment.url, provider.tokens().access_token)).status, 401);
      assert.equal((await refresh(metadata, provider)).status, 200);
    });

    test('what was taken away since is there again', async () => {
      assert.equal((await refresh(metadata, people.revoked.provider)).status, 200);
    });

    test('whoever came since must connect again, and whoever connects now can', async () => {
      const response = await refresh(metadata, people.late.provider);
      assert.ok([400, 401].includes(response.status), `${response.status}`);
      await disconnect(await meet('admin'));
    });

    test('without the key it is worth nothing, and the start says so', async () => {
      const env = { ...second.env, ...freshSecrets(), WICKETGATE__SERVER__LISTEN: '127.0.0.1:0' };
      const { code, notes } = await run(['serve', '--config', second.config], { env });
      assert.notEqual(code, 0);
      assert.match(notes, /signing key/);
    });
  });
}
