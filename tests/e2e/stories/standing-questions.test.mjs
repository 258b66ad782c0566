// Questions that a server asks on the session's standing stream, as servers on the first TypeScript
// SDK do: none is lost, because no message overtakes the stream that it belongs after.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { READ_RULES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { Person } from '../lib/person.mjs';
import { MemoryProvider } from '../lib/provider.mjs';
import { secretsOf } from '../lib/story.mjs';
import { standing } from '../lib/upstreams.mjs';

const RUNS = 50;
/** A lost question is never answered, so a call that takes this long has lost one. */
const LOST = 10_000;

const TOOLS = ['ask_form', 'ask_model', 'ask_roots'];
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

let upstream;
let deployment;

before(async () => {
  upstream = await standing();
  deployment = await oneProcess({ ceiling: ['mcp:read'], upstream: upstream.url, rules: READ_RULES });
});

after(async () => {
  await deployment?.stop();
  await upstream?.program.stop();
});

/** A client that answers every question. */
function answering(mode) {
  const options = mode === undefined || mode === 'legacy' ? {} : { versionNegotiation: { mode } };
  const client = new Client({ name: 'e2e-asked', version: '1.0.0' }, { capabilities: CAPABILITIES, ...options });
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { color: 'blue' } }));
  client.setRequestHandler('sampling/createMessage', async () => (
    { model: 'none', role: 'assistant', content: { type: 'text', text: 'blue' } }
  ));
  client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: 'file:///blue', name: 'blue' }] }));
  return client;
}

/** Every tool in a session of its own, again and again: the first call is the one that may overtake. */
async function loseNothing(open) {
  for (const name of TOOLS) {
    for (let run = 1; run <= RUNS; run += 1) {
      const { client, close } = await open();
      const { content } = await client.callTool({ name, arguments: {} }, { timeout: LOST });
      assert.equal(content[0].text, 'blue', `${name}, run ${run}`);
      await close();
    }
  }
}

for (const [name, mode] of [['2025-11-25', MODES.legacy], ['2026-07-28', MODES.pinned]]) {
  test(`a client of ${name} is asked everything`, async () => {
    const connection = await connect({ url: deployment.url, mode, choices: { user: 'basic' } });
    await loseNothing(async () => {
      const client = answering(mode);
      const transport = new StreamableHTTPClientTransport(new URL(deployment.url), { authProvider: connection.provider });
      await client.connect(transport);
      return { client, close: () => disconnect({ client, transport }) };
    });
    await disconnect(connection);
    deployment.secrets.push(...secretsOf(connection));
  });
}

test('a client of 2024-11-05 is asked everything', async () => {
  const [provider, person] = [new MemoryProvider(), new Person()];
  const make = () => new SSEClientTransport(new URL(`${deployment.issuer}/sse`), { authProvider: provider });
  const first = make();
  await assert.rejects(answering().connect(first), /Unauthorized/);
  const back = await person.authorize(provider.authorizationUrl, { user: 'basic' });
  await first.finishAuth(back.searchParams);
  await loseNothing(async () => {
    const client = answering();
    await client.connect(make());
    return { client, close: () => client.close() };
  });
  deployment.secrets.push(...secretsOf({ provider, person }));
});
