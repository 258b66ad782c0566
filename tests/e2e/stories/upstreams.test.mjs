// Servers that were not made for this gateway, each through the whole story once.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { READ_RULES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import { mustBeUnknown, mustRefresh, secretsOf } from '../lib/story.mjs';
import { everything, modern } from '../lib/upstreams.mjs';

const CEILING = ['mcp:read'];

/** A deployment in front of an upstream for the length of a `describe`. */
function inFrontOf(start, rules) {
  const scene = {};
  before(async () => {
    scene.upstream = await start();
    scene.deployment = await oneProcess({ ceiling: CEILING, upstream: scene.upstream.url, rules });
  });
  after(async () => {
    await scene.deployment.stop();
    await scene.upstream.program.stop();
  });
  return scene;
}

describe('the reference server with sessions (2025-11-25)', () => {
  const scene = inFrontOf(everything, READ_RULES);

  for (const name of ['legacy', 'automatic']) {
    test(`${name} client: tools, progress, prompts, resources, completion, refresh`, async () => {
      const { deployment } = scene;
      await discover(deployment.url, CEILING);
      const connection = await connect({ url: deployment.url, mode: MODES[name], choices: { user: 'basic' } });
      const { client, transport } = connection;
      // A client that can do without gets the newest revision, and the gateway keeps the session.
      assert.equal(transport.sessionId !== undefined, name === 'legacy', `session ${transport.sessionId}`);
      const { tools } = await client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'echo') && tools.length > 8, `${tools.length} tools`);
      const echo = () => client.callTool({ name: 'echo', arguments: { message: 'hello' } });
      assert.match((await echo()).content[0].text, /hello/);
      const steps = [];
      const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
      await client.callTool(long, { onprogress: ({ progress }) => steps.push(progress) });
      assert.ok(steps.length >= 3, `progress: ${steps}`);
      const { prompts } = await client.listPrompts();
      assert.ok((await client.getPrompt({ name: prompts[0].name })).messages.length > 0);
      const ref = { type: 'ref/prompt', name: 'completable-prompt' };
      const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'E' } });
      assert.ok(completion.values.includes('Engineering'), `${completion.values}`);
      const { resources } = await client.listResources();
      assert.ok((await client.readResource({ uri: resources[0].uri })).contents.length > 0);
      await mustRefresh(connection, echo);
      await disconnect(connection);
      deployment.secrets.push(...secretsOf(connection));
    });
  }

  test('a session of one person is nobody else\'s', async () => {
    const { deployment } = scene;
    const [owner, other] = await Promise.all(['basic', 'manager'].map((user) => connect({
      url: deployment.url, mode: MODES.legacy, choices: { user },
    })));
    const response = await fetch(deployment.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${other.provider.tokens().access_token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': owner.transport.sessionId,
        'mcp-protocol-version': owner.transport.protocolVersion,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    await response.arrayBuffer();
    assert.equal(response.status, 404, 'as if the session had ended');
    assert.ok((await owner.client.listTools()).tools.length > 0, 'the owner goes on');
    for (const connection of [owner, other]) {
      deployment.secrets.push(...secretsOf(connection));
      await disconnect(connection);
    }
  });
});

describe('a stateless server on the official package (2026-07-28)', () => {
  // Only one of its tools is named: what no rule names needs the most privileged scope.
  const scene = inFrontOf(modern, [{ tools: ['get_*'], scope: 'mcp:read' }]);
  const sum = (client) => client.callTool({ name: 'get_sum', arguments: { a: 2, b: 40 } });

  for (const name of ['pinned', 'automatic']) {
    test(`${name} client: the listed tool works, the other does not exist`, async () => {
      const { deployment } = scene;
      const connection = await connect({ url: deployment.url, mode: MODES[name], choices: { user: 'basic' } });
      const { client, transport } = connection;
      assert.equal(transport.sessionId, undefined, 'no sessions in this revision');
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map((tool) => tool.name), ['get_sum']);
      assert.equal((await sum(client)).structuredContent.sum, 42);
      await mustBeUnknown(client, 'delete_everything');
      await mustRefresh(connection, sum);
      await disconnect(connection);
      deployment.secrets.push(...secretsOf(connection));
    });
  }

  test('the upstream saw no token, no cookie and no forbidden call', async () => {
    const seen = await (await fetch(`${scene.upstream.origin}/seen`)).json();
    assert.ok(seen.length > 0);
    for (const { headers = {}, tool } of seen) {
      assert.equal(headers.authorization, undefined, 'the client\'s token stays at the gateway');
      assert.equal(headers.cookie, undefined);
      assert.equal(tool, undefined, 'a forbidden tool is stopped at the gateway');
    }
  });
});
