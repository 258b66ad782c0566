// The official TypeScript client, from "never heard of this server" to a working connection.

import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { Person } from './person.mjs';
import { MemoryProvider } from './provider.mjs';

/** The three ways in which the client finds its protocol revision. */
export const MODES = { automatic: 'auto', legacy: 'legacy', pinned: { pin: '2026-07-28' } };

function makeClient(mode) {
  const options = mode === 'legacy' ? {} : { versionNegotiation: { mode } };
  return new Client({ name: 'e2e', version: '1.0.0' }, options);
}

function makeTransport(url, provider, onInsufficientScope) {
  return new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, onInsufficientScope });
}

/** The client must ask the person first: anything else is a hole or a fault. */
export async function mustAuthorize(action) {
  await assert.rejects(action, (error) => {
    if (UnauthorizedError.isInstance(error)) return true;
    throw error;
  });
}

/** The person walks from where the client sent the browser, and the client takes what comes back. */
export async function walk({ transport, provider, person, choices }) {
  const back = await person.authorize(provider.authorizationUrl, choices);
  assert.equal(back.searchParams.get('state'), provider.expectedState, 'the state comes back unchanged');
  await transport.finishAuth(back.searchParams);
  return back;
}

/**
 * Discovery, registration, sign-in, consent, code, tokens, connection.
 *
 * @param {object} how
 * @param {string} how.url the MCP URL, the only thing the client knows
 * @param {object} how.choices what the person does, see {@link Person.authorize}
 * @param {'auto'|'legacy'|object} how.mode see {@link MODES}
 * @param {'throw'|'reauthorize'} [how.onInsufficientScope] what the client does about a 403 challenge
 */
export async function connect({
  url, choices, mode, onInsufficientScope = 'throw', provider = new MemoryProvider(), person = new Person(),
}) {
  const first = makeTransport(url, provider, onInsufficientScope);
  const stranger = makeClient(mode);
  await mustAuthorize(stranger.connect(first));
  await walk({ transport: first, provider, person, choices });
  await stranger.close();
  const connection = { provider, person, client: makeClient(mode) };
  connection.transport = makeTransport(url, provider, onInsufficientScope);
  await connection.client.connect(connection.transport);
  return connection;
}

/** Ends a connection as a well-behaved client does. */
export async function disconnect({ client, transport }) {
  if (transport.sessionId) await transport.terminateSession();
  await client.close();
}
