// More clients that people have, each from "never heard of this server" through sign-in to lists,
// calls and reads, with a server that speaks both generations (A-02…A-06, B-01, B-02, D-20, D-22).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client as SdkClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as SdkTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { READ_RULES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { Desk } from '../lib/desk.mjs';
import { openDoor } from '../lib/door.mjs';
import { Person } from '../lib/person.mjs';
import { freePort } from '../lib/program.mjs';
import { MemoryProvider } from '../lib/provider.mjs';
import { secretsOf } from '../lib/story.mjs';
import { conformance } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SIMPLE = 'This is a simple text response for testing.';
const STATIC = 'This is the content of the static text resource.';

let upstream;
let door;
let deployment;

before(async () => {
  upstream = await conformance();
  door = await openDoor(upstream.url);
  deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: door.url, rules: READ_RULES });
});

after(async () => {
  await deployment.stop();
  await door.close();
  await upstream.program.stop();
});

/** A desk for the length of a test. */
function desk(t) {
  const place = new Desk();
  t.after(() => { deployment.secrets.push(...place.secrets); place.clear(); });
  return place;
}

/** The calls that reached the server during a test were all of this revision. */
function mustSpeak(t, revision) {
  const from = door.seen.length;
  t.after(() => {
    const calls = door.seen.slice(from).filter(({ sent }) => sent.includes('"tools/call"'));
    const revisions = new Set(calls.map(({ headers }) => headers['mcp-protocol-version']));
    assert.deepEqual([...revisions], [revision]);
  });
}

/** What every client must be able to do, where its client has these words for it. */
async function use(client) {
  const { tools } = await client.listTools();
  assert.ok(tools.length > 20, `${tools.length} tools`);
  assert.equal((await client.callTool({ name: 'test_simple_text', arguments: {} })).content[0].text, SIMPLE);
  const { prompts } = await client.listPrompts();
  assert.ok(prompts.length >= 4, `${prompts.length} prompts`);
  assert.equal((await client.readResource({ uri: 'test://static-text' })).contents[0].text, STATIC);
}

test('the TypeScript client of the first generation (2025-11-25, no iss)', async () => {
  const [provider, person] = [new MemoryProvider(), new Person()];
  const make = () => new SdkTransport(new URL(deployment.url), { authProvider: provider });
  const first = make();
  const stranger = new SdkClient({ name: 'e2e-first', version: '1.0.0' });
  await assert.rejects(stranger.connect(first), { name: 'Error', message: /Unauthorized/ });
  const back = await person.authorize(provider.authorizationUrl, { user: 'basic' });
  await first.finishAuth(back.searchParams.get('code'));
  const client = new SdkClient({ name: 'e2e-first', version: '1.0.0' });
  const transport = make();
  await client.connect(transport);
  assert.equal(transport.protocolVersion, '2025-11-25');
  await use(client);
  const steps = [];
  const slow = { name: 'test_tool_with_progress', arguments: {} };
  await client.callTool(slow, undefined, { onprogress: ({ progress }) => steps.push(progress) });
  assert.deepEqual(steps, [0, 50, 100]);
  await transport.terminateSession();
  await client.close();
  deployment.secrets.push(...secretsOf({ provider, person }));
});

describe('fastmcp', () => {
  for (const mode of ['auto', 'legacy']) {
    test(`${mode} mode`, async (t) => {
      mustSpeak(t, mode === 'auto' ? '2026-07-28' : '2025-11-25');
      const input = JSON.stringify({ url: deployment.url, mode });
      const out = await desk(t).run(here('../.venv-fastmcp/bin/python'), [here('../python/fastmcp_client.py')], { input });
      const { tools, ...rest } = JSON.parse(out);
      assert.ok(tools.length > 20, `${tools.length} tools`);
      const prompt = 'This is a simple prompt for testing.';
      assert.deepEqual(rest, { called: SIMPLE, steps: [0, 50, 100], prompt, read: STATIC });
    });
  }
});

describe('mcp-remote, for a host that knows only stdio', () => {
  for (const protocol of ['legacy', 'auto']) {
    test(`--protocol ${protocol}`, async (t) => {
      mustSpeak(t, protocol === 'auto' ? '2026-07-28' : '2025-11-25');
      const place = desk(t);
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [
          here('../node_modules/mcp-remote/dist/proxy.js'), deployment.url, String(await freePort()),
          '--allow-http', '--auth-timeout', '30', '--protocol', protocol,
        ],
        env: place.env({ MCP_REMOTE_CONFIG_DIR: place.file('mcp-remote') }),
        stderr: 'pipe',
      });
      let log = '';
      transport.stderr.setEncoding('utf8').on('data', (text) => { log += text; });
      const client = new Client({ name: 'e2e-host', version: '1.0.0' });
      try {
        await client.connect(transport, { timeout: 40_000 });
        await use(client);
      } catch (error) {
        assert.fail(`${error}\n${log}\n${place.browserLog}`);
      } finally {
        await client.close();
      }
    });
  }
});

describe('the Inspector on the command line', () => {
  for (const era of ['modern', 'legacy']) {
    test(`--protocol-era ${era}`, async (t) => {
      mustSpeak(t, era === 'modern' ? '2026-07-28' : '2025-11-25');
      const place = desk(t);
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
      const inspect = async (...args) => JSON.parse(await place.run(process.execPath, [
        here('../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js'), '--cli', deployment.url,
        '--transport', 'http', '--protocol-era', era, '--callback-url', callback, ...args,
      ], { env: { MCP_AUTO_OPEN_ENABLED: 'true' } }));
      const { tools } = await inspect('--method', 'tools/list');
      assert.ok(tools.length > 20, `${tools.length} tools`);
      const called = await inspect('--method', 'tools/call', '--tool-name', 'test_simple_text');
      assert.equal(called.content[0].text, SIMPLE);
      const read = await inspect('--method', 'resources/read', '--uri', 'test://static-text');
      assert.equal(read.contents[0].text, STATIC);
    });
  }
});
