// What an MCP client can do with the fixture, one deed per feature, the same for every revision.
// Each says in a few words how it ended: `works`, or what a client would see instead.

import assert from 'node:assert/strict';
import { answer } from './raw/clients.mjs';
import { within } from './raw/watch.mjs';

const WATCHED = 'test://watched-resource';
const LIMIT_MS = 8_000;

/** An end that is not a success, in the words of the table. */
class Ended extends Error {}

/** The result, or how the request ended without one. */
async function result(client, method, params, how) {
  const reply = await client.request(method, params, how);
  if (reply.error) throw new Ended(`error ${reply.error.code}`);
  if (!reply.result) throw new Ended(reply.status >= 300 ? `HTTP ${reply.status}` : 'no answer');
  if (reply.result.isError) throw new Ended('tool error');
  return { ...reply.result, notifications: reply.notifications };
}

const call = (client, name, args = {}, how = {}) => result(client, 'tools/call', { name, arguments: args }, how);

async function says(promise, words) {
  const { content } = await promise;
  assert.match(content[0].text, words);
}

async function tools(client) {
  const { tools: listed } = await result(client, 'tools/list');
  assert.ok(listed.some(({ name }) => name === 'test_simple_text'), `${listed.length} tools`);
  await says(call(client, 'test_simple_text'), /simple text response/);
  // JSON-RPC and MCP: what a tool refuses is its result, and what does not exist is -32602.
  const failed = await client.request('tools/call', { name: 'test_error_handling', arguments: {} });
  assert.equal(failed.result?.isError, true, JSON.stringify(failed));
  const unknown = await client.request('tools/call', { name: 'no_such_tool', arguments: {} });
  assert.equal(unknown.error?.code, -32602, JSON.stringify(unknown));
}

async function prompts(client) {
  const { prompts: listed } = await result(client, 'prompts/list');
  assert.ok(listed.some(({ name }) => name === 'test_simple_prompt'));
  const got = await result(client, 'prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } });
  assert.match(got.messages[0].content.text, /arg1='a', arg2='b'/);
}

async function resources(client) {
  const { resources: listed } = await result(client, 'resources/list');
  assert.ok(listed.some(({ uri }) => uri === 'test://static-text'));
  const { contents } = await result(client, 'resources/read', { uri: 'test://template/7/data' });
  assert.equal(JSON.parse(contents[0].text).id, '7');
}

async function progress(client) {
  const { notifications } = await call(client, 'test_tool_with_progress', {}, { progressToken: 'mine' });
  const steps = notifications.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params);
  if (steps.length === 0) throw new Ended('nothing came');
  assert.deepEqual(steps.map((step) => [step.progressToken, step.progress]), [['mine', 0], ['mine', 50], ['mine', 100]]);
}

async function logging(client) {
  const { notifications } = await call(client, 'test_tool_with_logging', {}, { logLevel: 'info' });
  const logged = notifications.filter(({ method }) => method === 'notifications/message').map(({ params }) => params.data);
  if (logged.length === 0) throw new Ended('nothing came');
  assert.deepEqual(logged, ['Tool execution started', 'Tool processing data', 'Tool execution completed']);
}

let waits = 0;

/** The server's own word for what became of the wait, as soon as it is one of these. */
async function becomes(client, key, wanted) {
  for (;;) {
    const { content } = await call(client, 'test_waited', { key });
    if (wanted.test(content[0].text)) return;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

async function cancellation(client) {
  const key = `wait-${++waits}-${process.pid}`;
  const { how, cancel } = client.cancelling();
  const waiting = client.request('tools/call', { name: 'test_wait', arguments: { key } }, how).catch(() => {});
  await within(becomes(client, key, /waiting/), 'the beginning of a call');
  await cancel();
  await within(becomes(client, key, /cancelled/), 'cancellation').catch(() => { throw new Ended('goes on'); });
  await waiting;
}

const elicitation = (client) => says(call(client, 'test_input_required_result_elicitation', {}, { answer }), /Hello, Ada!/);
const sampling = (client) => says(call(client, 'test_input_required_result_sampling', {}, { answer }), /sampled words/);

/** One stream for all that changes: 2025 gives a session no second one. */
const watches = new WeakMap();

async function notified(client, tool, fits) {
  if (!watches.has(client)) watches.set(client, await client.watch({ uris: [WATCHED] }));
  const watch = watches.get(client);
  if (!watch) throw new Ended('refused');
  await call(client, tool);
  if (!await watch.until(fits)) throw new Ended('nothing came');
}

const subscriptions = (client) => notified(client, 'test_trigger_resource_update',
  ({ method, params }) => method === 'notifications/resources/updated' && params.uri === WATCHED);
const listChanges = (client) => notified(client, 'test_trigger_tool_change',
  ({ method }) => method === 'notifications/tools/list_changed');

const DEEDS = {
  tools, prompts, resources, progress, logging, cancellation, elicitation, sampling, subscriptions, 'list changes': listChanges,
};

export const FEATURES = Object.keys(DEEDS);

/** How one feature ends for a client that is connected. */
export async function outcomeOf(client, feature) {
  try {
    await within(DEEDS[feature](client), feature, LIMIT_MS);
    return 'works';
  } catch (error) {
    if (error instanceof Ended) return error.message;
    return `fails: ${error.message.split('\n')[0]}`;
  }
}
