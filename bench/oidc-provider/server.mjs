// The peer of row A2: oidc-provider with its memory adapter, ES256 access tokens for one resource
// and rotated refresh tokens. `POST /seed?count=N` makes N grants, each with a refresh token, in
// the provider's own models; what is measured is its unchanged token endpoint.
//
//   node server.mjs PORT [RESOURCE]

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const resource = process.argv[3] ?? `${issuer}/mcp`;
const scope = 'mcp:read';
const clientId = 'bench';
const accountId = 'basic';

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }],
  jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  scopes: [scope, 'offline_access'],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
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

async function newRefreshToken() {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  const client = await provider.Client.find(clientId);
  const token = new provider.RefreshToken({
    accountId, client, grantId, gty: 'authorization_code', resource, scope,
    authTime: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

async function seed(count) {
  const tokens = [];
  while (tokens.length < count) tokens.push(await newRefreshToken());
  return tokens;
}

const answer = provider.callback();
createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname !== '/seed') return answer(request, response);
  const body = JSON.stringify(await seed(Number(url.searchParams.get('count'))));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  return response.end(body);
}).listen(port, '127.0.0.1');
