// The first steps of README.md as somebody takes them on one computer, up to a client that calls.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { freshPassword } from '../lib/accounts.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { blocks, page } from '../lib/documentation.mjs';
import * as gateway from '../lib/gateway.mjs';
import { Operator } from '../lib/operator.mjs';
import { freePort } from '../lib/program.mjs';
import { typed } from '../lib/shell.mjs';
import { secretsOf } from '../lib/story.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const steps = blocks(page('README.md')).filter(({ heading }) => heading === 'Running it');
const [build, secrets, start] = steps.filter(({ language }) => language === 'console').map(typed);
const [configuration] = steps.filter(({ language }) => language === 'toml').map(({ body }) => body);
/** It does not end: everything before it is typed, and then it is started. */
const SERVE = 'wicketgate serve';

const operator = new Operator();
const password = freshPassword();
let upstream;
let origin;
let server;

before(async () => {
  upstream = await demoServer();
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  writeFileSync(operator.config, configuration.replace('https://mcp.example.com"', `${origin}"`)
    .replace('http://127.0.0.1:9000/mcp', upstream.url));
  const listen = { WICKETGATE__SERVER__LISTEN: `127.0.0.1:${port}` };
  const environment = 'echo "$WICKETGATE_KEY_ENCRYPTION_KEY $WICKETGATE_BRIDGE_SECRET"';
  const said = await operator.type(`${secrets}\n${start.replace(SERVE, '')}\n${environment}`, listen, `${password}\n`);
  const [key, bridge] = said.trim().split('\n').at(-1).split(' ');
  const env = { ...listen, WICKETGATE_KEY_ENCRYPTION_KEY: key, WICKETGATE_BRIDGE_SECRET: bridge };
  server = await gateway.serveIn({ directory: operator.file(''), env });
});

after(async () => {
  await gateway.stop(server);
  await gateway.stop(upstream.program);
  operator.clear();
});

test('the program is built, and the last step starts it', () => {
  assert.match(build, /^cargo build --release --locked -p wicketgate\n/);
  assert.ok(start.trimEnd().endsWith(SERVE));
});

test('a client connects by the one account and sees every tool', async () => {
  const as = { provider: 'local', username: 'ada', password };
  const connection = await connect({ url: `${origin}/mcp`, mode: MODES.automatic, choices: { as } });
  const { tools } = await connection.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), [...await allTools(upstream.url)].toSorted());
  server.assertNoSecrets([...secretsOf(connection), password]);
  await disconnect(connection);
});
