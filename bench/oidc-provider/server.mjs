// The peer of rows A1 to A5 and A7: oidc-provider with its memory adapter, ES256 access tokens for one
// resource and rotated refresh tokens. It introspects no JWT, so tokens for a second resource are
// opaque. `POST /seed?kind=refresh&count=N` makes N grants, each with a
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
const opaqueResource = `${issuer}/opaque`;
const scope = 'mcp:read';
const clientId = 'bench';
const accountId = 'basic';
// As in bench/src/token.rs.
const redirectUri = 'http://127.0.0.1:9/callback';
const verifier = 'the-same-verifier-will-do-for-every-measurement';
const codeChallenge = createHash('sha256').update(verifier).digest('base64url');

// By default its memory forgets all but a thousand entries, and the codes of one round are more.
const memory = new LRU({ maxSize: 50_000 });

const confidential = {
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: [],
  response_types: [],
};

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
  }, {
    // As in bench/src/machine.rs and introspection.rs.
    client_id: 'machine',
    client_secret: 'whoever-knows-this-may-be-the-machine',
    ...confidential,
    grant_types: ['client_credentials'],
  }, {
    client_id: 'resource-server',
    client_secret: 'whoever-knows-this-may-ask-about-tokens',
    ...confidential,
    grant_types: [],
  }],
  jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  scopes: [scope, 'offline_access'],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 86400, Grant: 86400 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'resource-server' },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, indicator) => ({
        scope,
        audience: indicator,
        accessTokenTTL: 3600,
        accessTokenFormat: indicator === opaqueResource ? 'opaque' : 'jwt',
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
