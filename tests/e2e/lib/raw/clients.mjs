// The clients made by hand, by revision; all are used in the same way.

import { LegacyClient } from './legacy.mjs';
import { ModernClient } from './modern.mjs';
import { SseClient } from './sse.mjs';
import { Wire } from './wire.mjs';

/** What a client of each revision can be asked for: elicitation came in 2025-06-18. */
const CAPABILITIES = {
  '2026-07-28': { elicitation: {}, sampling: {}, roots: {} },
  '2025-11-25': { elicitation: {}, sampling: {}, roots: {} },
  '2025-03-26': { sampling: {}, roots: {} },
  '2024-11-05': { sampling: {}, roots: {} },
};

/** Every revision that differs on the wire, newest first. */
export const REVISIONS = Object.keys(CAPABILITIES);

/** Where a client of this revision connects: 2024-11-05 has an address of its own. */
function addressOf(url, revision) {
  if (revision !== '2024-11-05') return url;
  const at = new URL(url);
  at.pathname = at.pathname.endsWith('/mcp') ? at.pathname.replace(/\/mcp$/, '/sse') : `${at.pathname}/sse`;
  return at.href;
}

/** A client of `revision`, not connected yet; its `wire` has the transcript. */
export function rawClient(revision, url, token) {
  const wire = new Wire(addressOf(url, revision), token);
  const capabilities = CAPABILITIES[revision];
  const make = {
    '2026-07-28': () => new ModernClient(wire, capabilities),
    '2024-11-05': () => new SseClient(wire, capabilities),
  }[revision] ?? (() => new LegacyClient(wire, revision, capabilities));
  return Object.assign(make(), { wire });
}

/** What the person or the model says to each question. */
export function answer({ method }) {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///tmp/here', name: 'Here' }] };
  if (method === 'sampling/createMessage') {
    return { role: 'assistant', content: { type: 'text', text: 'sampled words' }, model: 'fixture', stopReason: 'endTurn' };
  }
  return { action: 'accept', content: { name: 'Ada', color: 'red', username: 'ada', email: 'ada@example.com', ok: true } };
}
