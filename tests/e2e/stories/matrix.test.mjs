// Any client with any server: each revision of the protocol on either side, and each feature
// (D-20…D-24, D-30…D-42, D-50…D-62, D-70, D-71). What happened is written to .out/compatibility.json,
// and docs/compatibility.md must say the same; UPDATE_DOCS=1 rewrites its tables.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { READ_RULES } from '../lib/configs.mjs';
import { oneProcess, urlOf } from '../lib/deployment.mjs';
import { FEATURES } from '../lib/features.mjs';
import { mustEnd, render, SERVERS, tablesOf, tryAll } from '../lib/matrix.mjs';
import { REVISIONS } from '../lib/raw/clients.mjs';
import { tokenFor } from '../lib/token.mjs';
import { conformance, PIPES } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here('../.out/');
const page = here('../../../docs/compatibility.md');

const running = [];
const results = Object.fromEntries(REVISIONS.map((revision) => [revision, {}]));
const ends = [];
let deployment;

async function http(eras) {
  const upstream = await conformance(eras);
  running.push(upstream);
  return upstream;
}

async function startServers() {
  const [modern, n25, m25, n24] = await Promise.all(['modern', '2025-11-25', '2025-03-26', '2024-11-05'].map(http));
  const pipe = (eras) => ({ command: PIPES.conformance(), env: { ERAS: eras } });
  const upstreams = {
    default: modern.url,
    'http-2025-11-25': n25.url,
    'http-2025-03-26': m25.url,
    'sse-2024-11-05': { url: `${n24.origin}/sse`, transport: 'sse' },
    'stdio-2025': pipe('2025-11-25'),
    'stdio-2026': pipe('modern'),
  };
  return Object.keys(SERVERS).map((name) => ({ name, upstream: upstreams[name], rules: READ_RULES }));
}

/** One after the other with one server, as what one client triggers all of them would hear. */
async function visit(server) {
  const url = urlOf(deployment, server);
  const { token, secrets } = await tokenFor(url);
  deployment.secrets.push(...secrets);
  for (const revision of REVISIONS) {
    const { outcomes, end } = await tryAll(revision, server, url, token);
    results[revision][server] = outcomes;
    ends.push({ revision, server, end });
  }
}

before(async () => {
  deployment = await oneProcess({ ceiling: ['mcp:read'], servers: await startServers() });
  await Promise.all(Object.keys(SERVERS).map(visit));
  mkdirSync(out, { recursive: true });
  writeFileSync(`${out}compatibility.json`, `${JSON.stringify(results, null, 2)}\n`);
});

after(async () => {
  await deployment?.stop();
  for (const { program } of running) await program.stop();
});

for (const revision of REVISIONS) {
  describe(`a client of ${revision}`, () => {
    for (const [server, title] of Object.entries(SERVERS)) {
      for (const feature of FEATURES) {
        test(`${feature} with a server of ${title}`, () => {
          const outcome = results[revision][server][feature];
          assert.ok(mustEnd(revision, server, feature).includes(outcome), outcome);
        });
      }
      test(`goes on with a server of ${title}`, () => {
        assert.equal(ends.find((one) => one.revision === revision && one.server === server).end, 'works');
      });
    }
  });
}

test('the page of the documentation says what happened', () => {
  const text = readFileSync(page, 'utf8');
  const { tables, replaced } = tablesOf(text);
  const fresh = render(results);
  if (process.env.UPDATE_DOCS) writeFileSync(page, replaced(fresh));
  else assert.equal(tables, fresh, 'UPDATE_DOCS=1 scripts/e2e.sh matrix rewrites the page');
});
