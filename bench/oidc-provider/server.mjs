// The peer of rows A2 to A5: oidc-provider with its memory adapter, ES256 access tokens for one
// resource and rotated refresh tokens. `POST /seed?kind=refresh&count=N` makes N grants, each with a
// refresh token, in the provider's own models, and kind=code makes each with a code; what is measured
// is its unchanged token endpoint.
//
//   node server.mjs PORT [RESOURCE]

import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import MemoryAdapter from './node_modules/oidc-provider/lib/adapters/memory_adapter.js';
import LRU from './node_modules/oidc-provider/lib/helpers/lru.js';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const resource = process.argv[3] ?? `${issuer}/mcp`;
const scope = 'mcp:read';
const clientId = 'bench';
const accountId = 'basic';
// As in bench/src/token.rs.
const redirectUri = 'http://127.0.0.1:9/callback';
const verifier = 'the-same-verifier-will-do-for-every-measurement';
const codeChallenge = createHash('sha256').update(verifier).digest('base64url');

// By default its memory forgets all but a thousand entries, and the codes of one round are more.
const memory = new LRU({ maxSize: 50_000 });

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const provider = new Provider(issuer, {
  adapter: (model) => new MemoryAdapter(model, memory),
  clients: [{
    client_id: clientId,
    token_endpoint_auth_method: 'none',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  scopes: [scope, 'offline_access'],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  ttl: { AccessToken: 3600, RefreshToken: 86400, Grant: 86400 },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: resource,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

const make = {
  refresh: (grant) => new provider.RefreshToken({ ...grant, gty: 'authorization_code' }),
  code: (grant) => new provider.AuthorizationCode({
    ...grant, redirectUri, codeChallenge, codeChallengeMethod: 'S256',
  }),
};

async function seed(kind, count) {
  const client = await provider.Client.find(clientId);
  const authTime = Math.floor(Date.now() / 1000);
  const made = [];
  while (made.length < count) {
    const grant = new provider.Grant({ accountId, clientId });
    grant.addResourceScope(resource, scope);
    const grantId = await grant.save();
    made.push(await make[kind]({ accountId, client, grantId, resource, scope, authTime }).save());
  }
  return made;
}

const answer = provider.callback();
createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname !== '/seed') return answer(request, response);
  const body = JSON.stringify(await seed(url.searchParams.get('kind'), Number(url.searchParams.get('count'))));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  return response.end(body);
}).listen(port, '127.0.0.1');
