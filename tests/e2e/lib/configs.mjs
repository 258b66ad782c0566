// Configuration files as an operator would write them (the keys of the interface page).

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

export const SCOPES = ['mcp:read', 'mcp:write', 'mcp:process_admin', 'mcp:admin'];

/** Which of the demo server's tools each scope opens. */
export const DEMO_RULES = [
  { tools: ['list_*', 'get_*', 'search_*'], scope: 'mcp:read' },
  { tools: ['create_*', 'update_*', 'submit_*', 'add_*', 'remove_*', 'export_*'], scope: 'mcp:write' },
  { tools: ['process_*', 'participant_*'], scope: 'mcp:process_admin' },
  { tools: ['admin_*'], scope: 'mcp:admin' },
];

/** For an upstream without privileged tools. */
export const READ_RULES = [{ tools: ['*'], scope: 'mcp:read' }];

function value(item) {
  if (Array.isArray(item)) return `[${item.map(value).join(', ')}]`;
  if (typeof item === 'object') {
    return `{ ${Object.entries(item).map(([key, inner]) => `${keyOf(key)} = ${value(inner)}`).join(', ')} }`;
  }
  return JSON.stringify(item);
}

/** A key that is a URL or has spaces is quoted. */
function keyOf(name) {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

function lines(entries) {
  return Object.entries(entries).map(([key, item]) => `${key} = ${value(item)}\n`).join('');
}

function table(name, entries) {
  return `\n[${name}]\n${lines(entries)}`;
}

const key = () => randomBytes(32).toString('base64');

/** Secrets that travel by environment, as a file may be read by more people. */
export function freshSecrets() {
  return { WICKETGATE_KEY_ENCRYPTION_KEY: key(), WICKETGATE_BRIDGE_SECRET: key(), SIDECAR_SECRET: key() };
}

/** Whoever likes may be anybody: only for a try on one computer, and for most stories. */
export const DEMO_PEOPLE = { providers: [], userTypes: [] };

/** Who signs people in, and what their groups make of them. */
function signingIn({ providers, userTypes }) {
  if (providers.length === 0) return table('sign_in', { demo_people: true });
  return [
    ...providers.map((provider) => `\n[[sign_in.provider]]\n${lines(provider)}`),
    ...userTypes.map((rule) => `\n[[user_type]]\n${lines(rule)}`),
  ].join('');
}

function authority({ database, signIn = DEMO_PEOPLE, accessTokenLifetime, registration, clients = [] }) {
  return [
    table('database', { url: database }),
    table('oauth', {
      ...(accessTokenLifetime ? { access_token_lifetime_seconds: accessTokenLifetime } : {}),
      key_encryption_key: { env: 'WICKETGATE_KEY_ENCRYPTION_KEY' },
      bridge_token_signing_secret: { env: 'WICKETGATE_BRIDGE_SECRET' },
    }),
    registration ? table('oauth.registration', registration) : '',
    ...clients.map((client) => `\n[[oauth.client]]\n${lines(client)}`),
    signingIn(signIn),
  ].join('');
}

/** `upstream` is a URL, or the whole table of what stands behind. */
function server({ name = 'default', upstream, rules, resource }) {
  const entries = {
    name,
    title: 'Workflow',
    ...(resource ? { resource_uri: resource } : {}),
    upstream: typeof upstream === 'string' ? { url: upstream } : upstream,
    rules,
  };
  return `\n[[mcp.server]]\n${lines(entries)}`;
}

function head(publicUrl, listen, others = {}) {
  return lines({ public_url: publicUrl }) + table('server', { listen, ...others });
}

/**
 * Both roles in one process, with one server or, as `servers`, several: `{ name, upstream, rules }`.
 * `logFormat`, `telemetry`, `outbound` and `trustedProxies` are keys of the same names, and
 * `accessTokenLifetime` is in seconds; `clients` are those of `[[oauth.client]]`.
 */
export function oneProcess({
  path, publicUrl, listen, database, ceiling, upstream, rules, servers = [{ upstream, rules }], signIn,
  logFormat, telemetry, trustedProxies, accessTokenLifetime, registration, clients, outbound,
}) {
  const others = {
    ...(logFormat ? { log_format: logFormat } : {}),
    ...(trustedProxies ? { trusted_proxies: trustedProxies } : {}),
  };
  const text = head(publicUrl, listen, others)
    + (telemetry ? table('telemetry', telemetry) : '')
    + (outbound ? table('outbound', outbound) : '')
    + authority({ database, signIn, accessTokenLifetime, registration, clients })
    + table('mcp', { allowed_scopes: ceiling.join(' ') })
    + servers.map(server).join('');
  writeFileSync(path, text);
}

/** The authorization server by itself; it names the resource that the sidecar will serve. */
export function authRole({ path, publicUrl, listen, database, ceiling, upstream, rules, resource, signIn }) {
  const text = head(publicUrl, listen)
    + authority({ database, signIn })
    + table('mcp', { allowed_scopes: ceiling.join(' ') })
    + server({ upstream, rules, resource });
  writeFileSync(path, text);
}

/**
 * The sidecar by itself: no database, no keys but the public ones it fetches. `sealingKey` and
 * `peerUrl` are keys of the same names, for several.
 */
export function mcpRole({ path, publicUrl, listen, issuer, ceiling, upstream, rules, sealingKey, peerUrl }) {
  const text = head(publicUrl, listen)
    + table('mcp', {
      allowed_scopes: ceiling.join(' '),
      issuer,
      authority: { url: issuer, client_id: 'sidecar', client_secret: { env: 'SIDECAR_SECRET' } },
      ...(sealingKey ? { sealing_key: sealingKey, peer_url: peerUrl } : {}),
    })
    + server({ upstream, rules });
  writeFileSync(path, text);
}
