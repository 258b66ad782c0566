// Clients that only know HTTP+SSE of 2024-11-05, through sign-in at the address that is for them
// (D-09, D-21, D-62), with servers of either generation behind.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { Client, SSEClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { READ_RULES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { Desk } from '../lib/desk.mjs';
import { Person } from '../lib/person.mjs';
import { freePort } from '../lib/program.mjs';
import { MemoryProvider } from '../lib/provider.mjs';
import { secretsOf } from '../lib/story.mjs';
import { conformance } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

let modern;
let legacy;
let deployment;
/** The two addresses, by the era of the upstream. */
let addresses;

before(async () => {
  [modern, legacy] = await Promise.all(['modern', '2025-11-25'].map((eras) => conformance(eras)));
  deployment = await oneProcess({
    ceiling: ['mcp:read'],
    servers: [
      { name: 'default', upstream: legacy.url, rules: READ_RULES },
      { name: 'new', upstream: modern.url, rules: READ_RULES },
    ],
  });
  addresses = { '2025-11-25': `${deployment.issuer}/sse`, '2026-07-28': `${deployment.url}/new/sse` };
});

after(async () => {
  await deployment?.stop();
  for (const { program } of [modern, legacy]) await program.stop();
});

async function use(client) {
  const { tools } = await client.listTools();
  assert.ok(tools.length > 20, `${tools.length} tools`);
  const { content } = await client.callTool({ name: 'test_simple_text', arguments: {} });
  assert.match(content[0].text, /simple text response/);
  const { contents } = await client.readResource({ uri: 'test://static-text' });
  assert.match(contents[0].text, /static text resource/);
}

const PACKAGES = {
  'the first generation': { Client: FirstClient, Transport: FirstTransport, back: (params) => params.get('code') },
  'the second generation': { Client, Transport: SSEClientTransport, back: (params) => params },
};

for (const era of ['2025-11-25', '2026-07-28']) {
  describe(`with a server of ${era}`, () => {
    for (const [name, { Client: Kind, Transport, back }] of Object.entries(PACKAGES)) {
      test(`the TypeScript client of ${name}`, async () => {
        const [provider, person] = [new MemoryProvider(), new Person()];
        const make = () => new Transport(new URL(addresses[era]), { authProvider: provider });
        const first = make();
        await assert.rejects(new Kind({ name: 'e2e-sse', version: '1.0.0' }).connect(first), /Unauthorized/);
        const url = await person.authorize(provider.authorizationUrl, { user: 'basic' });
        await first.finishAuth(back(url.searchParams));
        const client = new Kind({ name: 'e2e-sse', version: '1.0.0' });
        await client.connect(make());
        await use(client);
        await client.close();
        deployment.secrets.push(...secretsOf({ provider, person }));
      });
    }

    test('mcp-remote --transport sse-only', async (t) => {
      const place = new Desk();
      t.after(() => { deployment.secrets.push(...place.secrets); place.clear(); });
      const client = new Client({ name: 'e2e-host', version: '1.0.0' });
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [
          here('../node_modules/mcp-remote/dist/proxy.js'), addresses[era], String(await freePort()),
          '--allow-http', '--auth-timeout', '30', '--transport', 'sse-only',
        ],
        env: place.env({ MCP_REMOTE_CONFIG_DIR: place.file('mcp-remote') }),
        stderr: 'ignore',
      });
      await client.connect(transport, { timeout: 40_000 });
      await use(client);
      await client.close();
    });
  });
}
