// Servers that people have, behind the gateway as they come: over HTTP of either kind and over a
// pipe, each used by a client of the old generation and by one of the new (D-24, D-30…D-43, D-62,
// D-70).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { READ_RULES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { oneProcess, urlOf } from '../lib/deployment.mjs';
import { mustBeUnknown, secretsOf } from '../lib/story.mjs';
import { everythingSse, fastmcp, PIPES } from '../lib/upstreams.mjs';

const place = mkdtempSync(`${tmpdir()}/wicketgate-e2e-servers-`);
const running = [];
let web;
let deployment;

/** A repository with one commit, by nobody in particular. */
function makeRepository() {
  const git = (...args) => execFileSync('git', ['-C', place, '-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.com', ...args]);
  git('init', '--quiet', '--initial-branch', 'main');
  writeFileSync(`${place}/note.txt`, 'written by hand\n');
  git('add', 'note.txt');
  git('commit', '--quiet', '--message', 'A note');
}

async function makeWebSite() {
  web = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('a page of text');
  }).listen(0, '127.0.0.1');
  await once(web, 'listening');
}

const pipe = (command, extra = {}) => ({ command, ...extra });

before(async () => {
  makeRepository();
  await makeWebSite();
  const [sse, fast] = await Promise.all([everythingSse(), fastmcp()]);
  running.push(sse, fast);
  const named = {
    default: { upstream: fast.url, rules: [{ tools: ['get_*'], scope: 'mcp:read' }] },
    'everything-sse': { upstream: { url: sse.url, transport: 'sse' } },
    'everything-pipe': { upstream: pipe(PIPES.everything()) },
    filesystem: { upstream: pipe(PIPES.filesystem(place), { share: 'everyone' }) },
    git: { upstream: pipe(PIPES.git(place)) },
    fetch: { upstream: pipe(PIPES.fetch(), { share: 'everyone' }) },
  };
  const servers = Object.entries(named).map(([name, rest]) => ({ name, rules: READ_RULES, ...rest }));
  deployment = await oneProcess({ ceiling: ['mcp:read'], servers });
});

after(async () => {
  await deployment?.stop();
  for (const { program } of running) await program.stop();
  web.closeAllConnections();
  web.close();
  rmSync(place, { recursive: true, force: true });
});

const textOf = ({ content }) => content.map(({ text }) => text).join('\n');

async function useEverything(client) {
  const { tools } = await client.listTools();
  assert.ok(tools.length > 8, `${tools.length} tools`);
  const echo = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  assert.match(textOf(echo), /hello/);
  const steps = [];
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
  await client.callTool(long, { onprogress: ({ progress }) => steps.push(progress) });
  assert.ok(steps.length >= 3, `progress: ${steps}`);
  const { prompts } = await client.listPrompts();
  assert.ok((await client.getPrompt({ name: prompts[0].name })).messages.length > 0);
  const { resources } = await client.listResources();
  assert.ok((await client.readResource({ uri: resources[0].uri })).contents.length > 0);
}

/** What somebody does with each of them. */
const DEEDS = {
  async default(client) {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name), ['get_sum']);
    const steps = [];
    const sum = await client.callTool({ name: 'get_sum', arguments: { a: 2, b: 40 } }, { onprogress: ({ progress }) => steps.push(progress) });
    assert.equal(sum.structuredContent.sum, 42);
    assert.deepEqual(steps, [1, 2, 3]);
    await mustBeUnknown(client, 'delete_everything');
    assert.equal((await client.readResource({ uri: 'data://words' })).contents[0].text, 'some words');
    const { messages } = await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } });
    assert.equal(messages[0].content.text, 'Greet Ada.');
  },
  'everything-sse': useEverything,
  'everything-pipe': useEverything,
  async filesystem(client) {
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === 'read_text_file'), tools.map(({ name }) => name).join(' '));
    const read = await client.callTool({ name: 'read_text_file', arguments: { path: `${place}/note.txt` } });
    assert.match(textOf(read), /written by hand/);
    const beyond = await client.callTool({ name: 'read_text_file', arguments: { path: '/etc/hostname' } });
    assert.equal(beyond.isError, true, 'the server keeps the last word');
  },
  async git(client) {
    const log = await client.callTool({ name: 'git_log', arguments: { repo_path: place } });
    assert.match(textOf(log), /A note/);
    const status = await client.callTool({ name: 'git_status', arguments: { repo_path: place } });
    assert.match(textOf(status), /clean/);
  },
  async fetch(client) {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name), ['fetch']);
    const url = `http://127.0.0.1:${web.address().port}/`;
    const page = await client.callTool({ name: 'fetch', arguments: { url } });
    assert.match(textOf(page), /a page of text/);
  },
};

for (const [name, use] of Object.entries(DEEDS)) {
  describe(name === 'default' ? 'fastmcp' : name, () => {
    for (const mode of ['legacy', 'pinned', 'automatic']) {
      test(`${mode} client`, async () => {
        const connection = await connect({ url: urlOf(deployment, name), mode: MODES[mode], choices: { user: 'basic' } });
        deployment.secrets.push(...secretsOf(connection));
        await use(connection.client);
        await disconnect(connection);
      });
    }
  });
}
