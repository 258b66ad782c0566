#!/usr/bin/env bash
# npm opencode-linux-x64-baseline 1.18.33 (what opencode-ai 1.18.33 runs), Linux on x86_64.
#
# One `opencode mcp auth NAME` at an authorization server with dynamic client registration (RFC 7591)
# registers two clients with the same metadata. It sends the person to the second one; the first is
# forgotten and never used. Each sign-in from an empty home leaves one such client behind.
#
# So an authorization server sees twice as many registrations as sign-ins from there, and whoever
# limits registrations or keeps clients for ever has to reckon with that.
#
# Expected output:
#   opencode says: Authentication successful
#   registered: client-1 client-2
#   the same metadata: yes
#   sent to the browser: client-2
#   redeemed a code: client-2
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund opencode-linux-x64-baseline@1.18.33 >/dev/null

# The browser: it follows the redirects of the server below, which asks nobody.
mkdir bin
cat >bin/xdg-open <<'SH'
#!/bin/sh
curl --silent --location --output /dev/null "$1" &
SH
chmod +x bin/xdg-open

cat >count.mjs <<'JS'
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const registered = [];
const opened = [];
const redeemed = [];

/** Authorization server and MCP server in one: RFC 9728, 8414, 7591, and two MCP methods. */
const routes = {
  '/.well-known/oauth-protected-resource/mcp': () => ({ resource: `${origin}/mcp`, authorization_servers: [origin] }),
  '/.well-known/oauth-authorization-server': () => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  }),
  '/register': ({ body }) => {
    registered.push(body);
    return { status: 201, client_id: `client-${registered.length}`, ...JSON.parse(body) };
  },
  '/authorize': ({ query }) => {
    opened.push(query.get('client_id'));
    const back = new URL(query.get('redirect_uri'));
    back.search = new URLSearchParams({ code: 'code', state: query.get('state'), iss: origin });
    return { status: 302, location: back.href };
  },
  '/token': ({ body }) => {
    redeemed.push(new URLSearchParams(body).get('client_id'));
    return { access_token: 'access', token_type: 'Bearer', expires_in: 3600, refresh_token: 'refresh' };
  },
  '/mcp': ({ method, headers, body }) => {
    if (!headers.authorization) return { status: 401 };
    if (method !== 'POST') return { status: 405 };
    const message = JSON.parse(body);
    if (message.id === undefined) return { status: 202 };
    const { protocolVersion } = message.params ?? {};
    const result = message.method === 'initialize'
      ? { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'count', version: '1.0.0' } }
      : { tools: [] };
    return { jsonrpc: '2.0', id: message.id, result };
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, origin);
  const { method, headers } = request;
  const answer = routes[url.pathname]?.({ method, headers, query: url.searchParams, body: await text(request) });
  const { status = 200, location, ...body } = answer ?? { status: 404 };
  const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(location ? { location } : {}),
    ...(status === 401 ? { 'www-authenticate': challenge } : {}),
  });
  response.end(Object.keys(body).length > 0 ? JSON.stringify(body) : undefined);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;

const home = `${process.cwd()}/home`;
mkdirSync(`${home}/.config/opencode`, { recursive: true });
const settings = { autoupdate: false, mcp: { count: { type: 'remote', url: `${origin}/mcp` } } };
writeFileSync(`${home}/.config/opencode/opencode.json`, JSON.stringify(settings));
const program = `${process.cwd()}/node_modules/opencode-linux-x64-baseline/bin/opencode`;
const env = {
  PATH: `${process.cwd()}/bin:${process.env.PATH}`,
  HOME: home,
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  // It needs nothing from the network here.
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1',
};
const started = promisify(execFile)(program, ['mcp', 'auth', 'count'], { cwd: home, env, timeout: 60_000 });
started.child.stdin.end();
const { stdout } = await started;

const seen = [
  `opencode says: ${/Authentication successful/.exec(stdout)?.[0] ?? stdout}`,
  `registered: ${registered.map((_, at) => `client-${at + 1}`).join(' ')}`,
  `the same metadata: ${new Set(registered).size === 1 ? 'yes' : 'no'}`,
  `sent to the browser: ${opened.join(' ')}`,
  `redeemed a code: ${redeemed.join(' ')}`,
];
console.log(seen.join('\n'));
process.exit(seen.join('\n') === [
  'opencode says: Authentication successful',
  'registered: client-1 client-2',
  'the same metadata: yes',
  'sent to the browser: client-2',
  'redeemed a code: client-2',
].join('\n') ? 0 : 1);
JS
node count.mjs
