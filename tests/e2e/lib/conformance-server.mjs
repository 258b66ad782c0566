// The upstream that the conformance suite wants: every tool, prompt and resource by its exact name.
// PORT and ERAS say how it serves, see fixture/serve.mjs.

import { randomBytes } from 'node:crypto';
import { createRequestStateCodec, McpServer } from '@modelcontextprotocol/server';
import { registerAsking } from './fixture/conformance-asking.mjs';
import { registerPrompts, registerResources } from './fixture/conformance-reading.mjs';
import { registerTools } from './fixture/conformance-tools.mjs';
import { registerWatching } from './fixture/conformance-watching.mjs';
import { change, serve } from './fixture/serve.mjs';

const codec = createRequestStateCodec({ key: randomBytes(32) });

const CAPABILITIES = {
  logging: {},
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};

/** What may be kept, and by everybody: a gateway that filters must not pass that on (E-02). */
const HINTS = { 'tools/list': { ttlMs: 1000, cacheScope: 'public' }, 'prompts/list': { ttlMs: 1000, cacheScope: 'public' } };

function build({ versions }) {
  const server = new McpServer({ name: 'conformance', version: '1.0.0' }, {
    capabilities: CAPABILITIES,
    cacheHints: HINTS,
    requestState: { verify: codec.verify },
    ...(versions ? { supportedProtocolVersions: versions } : {}),
  });
  registerTools(server);
  registerAsking(server, codec);
  registerPrompts(server);
  registerResources(server);
  const wants = registerWatching(server, change);
  // Since 2026 whoever listens says so on the stream itself, which the package looks after.
  if (versions) server.wants = wants;
  return server;
}

await serve(build);
