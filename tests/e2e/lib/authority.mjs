// A deployment for clients that know OAuth and nothing of MCP: one of each kind is configured.

import { generateKeyPairSync } from 'node:crypto';
import { SCOPES } from './configs.mjs';
import { oneProcess } from './deployment.mjs';
import * as gateway from './gateway.mjs';
import { demoServer } from './upstreams.mjs';

/** Where a client on a web server waits; nobody fetches it. */
export const WEB_REDIRECT = 'https://app.example.com/callback';

/** What form encoding changes, and what would end a name or a secret that is not encoded (RFC 6749 §2.3.1). */
export const AWKWARD_ID = 'reports:daily+100%&=/~';
export const AWKWARD_SECRET = 'e2e secret: %41%+&=/?#"~0123456789';

/** One key of each algorithm in which clients may sign. */
export const KEYS = {
  ES256: pair('ec', { namedCurve: 'P-256' }),
  RS256: pair('rsa', { modulusLength: 2048 }),
  PS256: pair('rsa', { modulusLength: 2048 }),
  EdDSA: pair('ed25519'),
};

function pair(type, options) {
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }), jwk: publicKey.export({ format: 'jwk' }) };
}

const IMPORTED_AS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
};

/** The private key as the platform's own cryptography holds it, for the clients that sign with that. */
export function webKey(algorithm) {
  const der = Buffer.from(KEYS[algorithm].pem.replaceAll(/-----.*-----|\n/g, ''), 'base64');
  return crypto.subtle.importKey('pkcs8', der, IMPORTED_AS[algorithm], false, ['sign']);
}

/** What a client that acts for itself may do, whatever it asks for. */
const ASSIGNED = { grant_types: ['client_credentials'], servers: ['default'], scopes: ['mcp:read'] };

const CLIENTS = [
  { id: AWKWARD_ID, secret: AWKWARD_SECRET, redirect_uris: [WEB_REDIRECT] },
  { id: 'machine', secret: AWKWARD_SECRET, ...ASSIGNED },
  { id: `${AWKWARD_ID}machine`, secret: AWKWARD_SECRET, ...ASSIGNED },
  { id: 'resource-server', secret: AWKWARD_SECRET, introspects: ['default'] },
  ...Object.entries(KEYS).map(([algorithm, { jwk }]) => (
    { id: `signs-${algorithm}`, jwks: JSON.stringify({ keys: [jwk] }), ...ASSIGNED })),
  {
    id: 'signs-for-the-endpoint', jwks: JSON.stringify({ keys: [KEYS.ES256.jwk] }),
    assertion_for_token_endpoint: true, ...ASSIGNED,
  },
];

/** Starts it, with `settings` of {@link oneProcess} besides; `stop` ends it with its upstream. */
export async function startAuthority(settings = {}) {
  const upstream = await demoServer();
  try {
    const deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, clients: CLIENTS, ...settings });
    deployment.secrets.push(AWKWARD_SECRET);
    const stop = async () => {
      await deployment.stop();
      await gateway.stop(upstream.program);
    };
    return { deployment, stop };
  } catch (error) {
    await gateway.stop(upstream.program).catch(() => {});
    throw error;
  }
}
