// Command-line agents, each from "never heard of this server" through one browser window to a list,
// and past the end of their access token to the next list without another window. What they did is
// read in the server's own record.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { Desk } from '../lib/desk.mjs';
import { openDocumentHosts } from '../lib/document-hosts.mjs';
import { openDoor } from '../lib/door.mjs';
import * as gateway from '../lib/gateway.mjs';
import { mustBecomeUseless } from '../lib/tokens.mjs';
import { allTools, granted, scopeOf } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ClaudeCode, Codex, OpenCode } from './agents.mjs';

/** The shortest that there is: what is waited for here is its end. */
const LIFETIME_S = 60;
const LIMIT_MS = 90_000;

/** What these two publish, by what is known of it. */
const DOCUMENTS = [
  { client_id: 'https://chatgpt.com/oauth/codex/client.json', client_name: 'Codex' },
  { client_id: 'https://claude.ai/oauth/claude-code-client-metadata', client_name: 'Claude Code' },
].map((document) => ({
  ...document,
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
  token_endpoint_auth_method: 'none',
}));

/**
 * How a client comes to be known: it registers, is known by what is in the program of its document, or by
 * the document itself.
 */
const WAYS = [
  { title: 'each registers', registration: { metadata_documents: false }, described: [] },
  {
    title: 'known by their documents, where those cannot be fetched',
    registration: { metadata_document_hosts: ['nowhere.invalid'], bundled_documents: true },
    described: [Codex, ClaudeCode],
  },
  {
    title: 'known by their documents, which are fetched',
    registration: { metadata_document_hosts: ['chatgpt.com', 'claude.ai'] },
    described: [Codex, ClaudeCode],
    live: true,
  },
];

let upstream;
let door;
let hosts;
let deployment;
let theirs;

before(async () => {
  upstream = await demoServer();
  const scopes = granted('basic', SCOPES, 'default');
  theirs = (await allTools(upstream.url)).filter((tool) => scopes.includes(scopeOf(tool))).sort();
});

after(() => gateway.stop(upstream.program));

/** How many events of a kind the record has of a client. */
function recorded(kind, client) {
  const database = new DatabaseSync(deployment.file('wicketgate.db'), { readOnly: true });
  try {
    const query = 'SELECT COUNT(*) AS count FROM OAUTH_AUDIT WHERE kind = ? AND client_id = ?';
    return database.prepare(query).get(kind, client).count;
  } finally {
    database.close();
  }
}

/** How often a client was given the list of tools, as the access log has it once it says so. */
async function listsOf(client, atLeast) {
  const limit = Date.now() + LIMIT_MS;
  for (;;) {
    const { log } = deployment.gateways[0];
    const lines = log.split('\n').slice(0, -1).filter((line) => line.includes('"tools/list"'));
    const { length } = lines.map((line) => JSON.parse(line))
      .filter((line) => line['client.id'] === client && line['http.status'] === 200);
    if (length >= atLeast) return length;
    assert.ok(Date.now() < limit, `${atLeast} lists of ${client} in:\n${log}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** Every list that this agent took was of its own revision. */
function mustSpeak({ title, userAgent, revision }) {
  const lists = door.seen.filter(({ sent }) => sent.includes('"tools/list"'))
    .filter(({ headers }) => headers['user-agent']?.startsWith(userAgent));
  const revisions = new Set(lists.map(({ headers }) => headers['mcp-protocol-version']));
  assert.deepEqual([...revisions], [revision], title);
}

async function mustList(agent) {
  const names = await agent.list();
  if (names) assert.deepEqual(names.sort(), theirs, 'the tools of this person and no others');
}

async function story(t, Agent, described) {
  const desk = new Desk();
  const agent = new Agent(desk, deployment.url);
  const remember = () => deployment.secrets.push(...Object.values(agent.tokens));
  t.after(() => { deployment.secrets.push(...desk.secrets); desk.clear(); });

  await agent.signIn();
  remember();
  const client = desk.opened[0].searchParams.get('client_id');
  assert.equal(client.startsWith('https://'), described.includes(Agent), client);
  assert.equal(recorded('code.redeemed', client), 1);
  await mustList(agent);
  remember();

  await mustBecomeUseless(deployment.url, agent.tokens.access, LIMIT_MS);
  const lists = await listsOf(client, 1);
  const refreshes = recorded('refresh.rotated', client);
  await mustList(agent);
  remember();
  assert.ok(recorded('refresh.rotated', client) > refreshes, `${Agent.title} refreshed`);
  await listsOf(client, lists + 1);
  mustSpeak(Agent);
  assert.equal(recorded('code.redeemed', client), 1, 'it signed in once');
  assert.equal(desk.opened.length, 1, `windows: ${desk.opened}`);
}

for (const { title, registration, described, live } of WAYS) {
  describe(title, () => {
    const authorities = join(tmpdir(), `wicketgate-agents-${process.pid}.pem`);
    before(async () => {
      door = await openDoor(upstream.url);
      hosts = await openDocumentHosts(DOCUMENTS);
      writeFileSync(authorities, hosts.authorities);
      deployment = await oneProcess({
        ceiling: SCOPES, upstream: door.url, logFormat: 'json', accessTokenLifetime: LIFETIME_S,
        registration: { ...registration, ...(live ? { extra_ca_file: authorities } : {}) },
        ...(live ? { outbound: { proxy: hosts.url } } : {}),
      });
    });
    after(async () => {
      await deployment.stop();
      await door.close();
      await hosts.close();
      rmSync(authorities);
    });

    if (live) {
      after(() => {
        for (const { client_id: id } of DOCUMENTS) assert.ok(hosts.asked.includes(id), `${id} in ${hosts.asked}`);
      });
    }

    describe('one window, a list, and another list when the token has ended', { concurrency: true }, () => {
      for (const Agent of [Codex, ClaudeCode, OpenCode]) {
        test(Agent.title, (t) => story(t, Agent, described));
      }
    });
  });
}
