// What a person decides: to refuse, to give less, to give more later, to be asked again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SCOPES } from '../lib/configs.mjs';
import { connect, disconnect, MODES, mustAuthorize, walk } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { MemoryProvider } from '../lib/provider.mjs';
import { secretsOf } from '../lib/story.mjs';
import { demoServer } from '../lib/upstreams.mjs';

let upstream;
let deployment;

before(async () => {
  upstream = await demoServer();
  deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url });
});

after(async () => {
  await deployment.stop();
  await gateway.stop(upstream.program);
});

/** Whether the client's state, ours to compare, came back with an error and no code. */
function checkRefusal(back, provider) {
  assert.equal(back.searchParams.get('error'), 'access_denied');
  assert.equal(back.searchParams.get('state'), provider.expectedState);
  assert.equal(back.searchParams.get('iss'), deployment.issuer, 'errors carry iss, too (RFC 9207 §2)');
  assert.equal(back.searchParams.get('code'), null);
}

test('a person who refuses sends the client away with access_denied', async () => {
  const provider = new MemoryProvider();
  const person = new Person();
  await assert.rejects(connect({
    url: deployment.url, mode: MODES.automatic, choices: { user: 'basic', decision: 'deny' }, provider, person,
  }));
  const back = await new Person().authorize(provider.authorizationUrl, { user: 'basic', decision: 'deny' });
  checkRefusal(back, provider);
  assert.equal(provider.tokens(), undefined);
});

test('reading alone can be given by unticking the rest', async () => {
  const connection = await connect({
    url: deployment.url, mode: MODES.automatic, choices: { user: 'admin', tick: [] },
  });
  assert.equal(connection.provider.tokens().scope.split(' ').filter((s) => s !== 'offline_access').join(' '), 'mcp:read');
  const { tools } = await connection.client.listTools();
  assert.ok(tools.every(({ name }) => /^(list|get|search)_/.test(name)), JSON.stringify(tools.map((t) => t.name)));
  await disconnect(connection);
  deployment.secrets.push(...secretsOf(connection));
});

for (const [name, mode] of Object.entries(MODES)) {
  test(`a tool that needs more asks for it, and works after a second consent: ${name} client`, async () => {
    const connection = await connect({
      url: deployment.url, mode, choices: { user: 'manager', tick: 'default' }, onInsufficientScope: 'reauthorize',
    });
    const { client, transport, provider, person } = connection;
    const call = () => client.callTool({ name: 'participant_add', arguments: {} });
    await mustAuthorize(call());
    const asked = provider.authorizationUrl.searchParams.get('scope').split(' ');
    assert.ok(asked.includes('mcp:process_admin'), `the client asks for what the challenge named: ${asked}`);
    await walk({ transport, provider, person, choices: { user: 'manager', tick: 'all' } });
    // The application refuses empty arguments, which proves that the call reached it.
    const outcome = await call().catch((error) => error);
    assert.ok(!/unknown tool|insufficient/i.test(outcome.message ?? ''), `${outcome.message}`);
    await disconnect(connection);
    deployment.secrets.push(...secretsOf(connection));
  });
}

test('a page that is loaded twice, and a form that is sent twice, harm nobody', async () => {
  const provider = new MemoryProvider();
  const person = new Person();
  const connection = await connect({
    url: deployment.url, mode: MODES.automatic, choices: { user: 'basic' }, provider, person,
  });
  // The same authorization request once more, with the browser's session and the history's URL.
  const again = await person.authorize(provider.authorizationUrl, { user: 'basic' });
  assert.ok(again.searchParams.get('code'), `${again.searchParams}`);
  await disconnect(connection);
  deployment.secrets.push(...secretsOf(connection));
});
