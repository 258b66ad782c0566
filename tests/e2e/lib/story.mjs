// The story of one person with one client: everything that has to hold once it is connected.

import assert from 'node:assert/strict';
import { InsufficientScopeError, ProtocolError } from '@modelcontextprotocol/client';
import { connect, disconnect } from './connection.mjs';
import { granted, offered, SAMPLES, scopeOf } from './tools.mjs';

const sorted = (names) => [...names].sort();

/** JSON-RPC "invalid params": how MCP says that there is no such tool. */
const INVALID_PARAMS = -32602;

/** MCP, tools: a tool that this person can never have does not exist for them. */
export async function mustBeUnknown(client, name, args = {}) {
  await assert.rejects(client.callTool({ name, arguments: args }), (error) => {
    assert.ok(ProtocolError.isInstance(error), `unknown tool, not ${error}`);
    assert.equal(error.code, INVALID_PARAMS);
    // Whoever may use unruled tools hears it from the upstream, in its own words.
    assert.match(error.message, /unknown tool|tool not found/i);
    return true;
  });
}

/** RFC 6750 §3.1: a wider grant would open this tool, and the answer says which. */
export async function mustBeChallenged(client, name, scope, args = {}) {
  await assert.rejects(client.callTool({ name, arguments: args }), (error) => {
    assert.ok(InsufficientScopeError.isInstance(error), `insufficient_scope, not ${error}`);
    assert.ok(error.requiredScope?.split(' ').includes(scope), `${error.requiredScope} names ${scope}`);
    return true;
  });
}

async function read(client) {
  const result = await client.callTool({ name: 'list_requests', arguments: { limit: 3 } });
  assert.ok(!result.isError, JSON.stringify(result.content));
  assert.equal(result.structuredContent.requests.length, 3);
}

async function someProcess(client) {
  const { structuredContent } = await client.callTool({ name: 'list_processes', arguments: {} });
  return structuredContent.processes.find((process) => process.state === 'running').id;
}

/** Writes, is told by the application what the gate could not know, and watches slow work. */
async function write(client) {
  const draft = { process_id: await someProcess(client), title: 'A chair', description: 'The old one broke.' };
  const { structuredContent, ...made } = await client.callTool({ name: 'create_request', arguments: draft });
  assert.ok(!made.isError, JSON.stringify(made.content));
  const decision = { request_id: structuredContent.request.id, decision: 'approve' };
  const refused = await client.callTool({ name: 'submit_action', arguments: decision });
  assert.equal(refused.isError, true, 'the application lets nobody approve their own request');
  const steps = [];
  const slow = { name: 'export_report', arguments: { steps: 3, delay_ms: 20 } };
  const report = await client.callTool(slow, { onprogress: ({ progress }) => steps.push(progress) });
  assert.ok(!report.isError, JSON.stringify(report.content));
  assert.ok(steps.length >= 2, `progress comes before the result: ${steps}`);
}

async function administerProcess(client) {
  const process = { process_id: await someProcess(client) };
  for (const name of ['process_pause', 'process_resume']) {
    const result = await client.callTool({ name, arguments: process });
    assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
  }
}

async function administer(client) {
  const result = await client.callTool({ name: 'admin_get_settings', arguments: {} });
  assert.ok(!result.isError, JSON.stringify(result.content));
}

const DEEDS = {
  'mcp:read': read,
  'mcp:write': write,
  'mcp:process_admin': administerProcess,
  'mcp:admin': administer,
};

/** Each scope's tool: done with the scope, challenged where it could be had, unknown elsewhere. */
async function tryEachScope(client, scopes, able) {
  for (const [scope, sample] of Object.entries(SAMPLES)) {
    if (scopes.includes(scope)) await DEEDS[scope](client);
    else if (able.includes(scope)) await mustBeChallenged(client, sample, scope);
    else await mustBeUnknown(client, sample);
  }
  await mustBeUnknown(client, 'no_such_tool_anywhere');
}

/** A client whose access token is no longer good renews it by itself and goes on. */
export async function mustRefresh({ client, provider }, call) {
  const before = provider.tokens();
  provider.spoilAccessToken();
  await call(client);
  const after = provider.tokens();
  assert.notEqual(after.access_token, before.access_token);
  assert.notEqual(after.refresh_token, before.refresh_token, 'refresh tokens rotate');
  assert.deepEqual(sorted(after.scope.split(' ')), sorted(before.scope.split(' ')), 'the scope stays (RT-3)');
  assert.ok(after.expires_in > 0);
}

/** What consent showed: the fixed one, the usual one, and the two that a person has to want. */
function checkOffer(person, able) {
  assert.deepEqual(sorted(Object.keys(person.offered)), sorted(able), 'consent offers ceiling ∩ user type');
  for (const [scope, box] of Object.entries(person.offered)) {
    assert.equal(box.checked, ['mcp:read', 'mcp:write'].includes(scope), `${scope} ticked`);
    assert.equal(box.disabled, scope === 'mcp:read', `${scope} fixed`);
  }
}

/** Each page forbids being framed, kept or scripted (HD-1). */
export function checkPages(person) {
  assert.ok(person.pages.length >= 2, 'the person saw a sign-in page and a consent page');
  for (const { url, headers, html } of person.pages) {
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /frame-ancestors 'none'/, `${url}: ${policy}`);
    assert.match(policy, /default-src 'none'/, `${url}: ${policy}`);
    assert.match(headers.get('cache-control') ?? '', /no-store/, `${url} is not kept`);
    assert.match(headers.get('referrer-policy') ?? '', /no-referrer/, `${url} tells nobody`);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', url);
    assert.doesNotMatch(html, /<script/i, `${url} works without scripts`);
  }
}

/**
 * The whole story.
 *
 * @param {object} setting
 * @param {string} setting.url the MCP URL
 * @param {string[]} setting.ceiling the deployment's scopes
 * @param {string[]} setting.tools every tool of the upstream
 * @param {'basic'|'manager'|'admin'} setting.user who signs in
 * @param {'default'|'all'} setting.tick which scopes they tick
 * @param {'auto'|'legacy'|object} setting.mode how the client finds its revision
 * @param {object} [setting.as] how the person signs in, where people have accounts
 * @returns the connection, still open, for what comes after
 */
export async function tell({ url, ceiling, tools, user, tick, mode, as }) {
  const able = offered(user, ceiling);
  const scopes = granted(user, ceiling, tick);
  const connection = await connect({ url, mode, choices: { user, as, tick } });
  const { client, person, provider } = connection;
  checkOffer(person, able);
  checkPages(person);
  const consent = person.pages.at(-1).html;
  for (const [scope, sample] of Object.entries(SAMPLES)) {
    assert.equal(consent.includes(sample), able.includes(scope), `consent names ${sample} beside ${scope}`);
  }
  assert.equal(String(provider.resource), url, 'the token is for the URL that was pasted');
  assert.deepEqual(sorted(provider.tokens().scope.split(' ').filter((s) => s.startsWith('mcp:'))), sorted(scopes));
  const { tools: listed } = await client.listTools();
  const expected = tools.filter((tool) => scopes.includes(scopeOf(tool)));
  assert.deepEqual(sorted(listed.map((tool) => tool.name)), sorted(expected), `${user} sees their tools`);
  await tryEachScope(client, scopes, able);
  await mustRefresh(connection, read);
  return connection;
}

/** The story with its end. The secrets it touched are given back for the check of the logs. */
export async function tellToTheEnd(setting) {
  const connection = await tell(setting);
  await disconnect(connection);
  return secretsOf(connection);
}

/** What this connection knows and no log may hold. */
export function secretsOf({ provider, person }) {
  const cookies = person.jar.cookies.map((cookie) => cookie.value).filter((value) => value.length >= 16);
  return [...provider.secrets, ...person.codes, ...cookies];
}
