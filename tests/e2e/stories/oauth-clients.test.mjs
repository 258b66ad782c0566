// Strict clients of plain OAuth, which know nothing of MCP and believe no answer that they have not
// checked: oauth4webapi, openid-client and Authlib. They find the server by its metadata (RFC 8414),
// register (RFC 7591), ask a person, redeem, refresh, revoke (RFC 7009), ask about tokens (RFC 7662),
// act for themselves, and read each refusal as the error that its RFC defines.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import {
  AWKWARD_ID, AWKWARD_SECRET, KEYS, startAuthority, WEB_REDIRECT, webKey,
} from '../lib/authority.mjs';
import { Person } from '../lib/person.mjs';
import { mustBeCoded, PlainClient } from '../lib/plain-client.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const LIMIT_MS = 60_000;
const LOOPBACK_REDIRECT = 'http://127.0.0.1:6197/callback';

/** These libraries call EdDSA by its newer name (RFC 9864 §2.2), which the metadata do not. */
const AS_ADVERTISED = { [oauth.modifyAssertion]: (header) => { if (header.alg === 'Ed25519') header.alg = 'EdDSA'; } };

let authority;
let deployment;

before(async () => {
  authority = await startAuthority();
  ({ deployment } = authority);
});

after(() => authority.stop());

/** Tokens of the server, none of which may be in its log. */
function keep(tokens) {
  deployment.secrets.push(...[tokens.access_token, tokens.refresh_token].filter(Boolean));
  return tokens;
}

describe('oauth4webapi', () => {
  let client;
  before(async () => { client = await PlainClient.discover(deployment); });

  // MD-1, MD-2, MD-3: as OAuth and as OpenID Connect look for it, and never for another issuer.
  test('finds the server in either way, and by its own name only', async () => {
    for (const algorithm of ['oauth2', 'oidc']) {
      const { server } = await PlainClient.discover(deployment, algorithm);
      assert.equal(server.issuer, deployment.issuer);
    }
    await assert.rejects(PlainClient.discover({ ...deployment, issuer: `${deployment.issuer}/other` }));
    const other = new URL('http://127.0.0.1:1');
    const response = await fetch(`${deployment.issuer}/.well-known/oauth-authorization-server`);
    await mustBeCoded(oauth.processDiscoveryResponse(other, response), oauth.JSON_ATTRIBUTE_COMPARISON);
  });

  const REGISTRATIONS = {
    none: { redirect_uris: [LOOPBACK_REDIRECT] },
    client_secret_basic: { redirect_uris: [WEB_REDIRECT] },
    client_secret_post: { redirect_uris: [WEB_REDIRECT] },
    private_key_jwt: { redirect_uris: [WEB_REDIRECT], jwks: { keys: [KEYS.ES256.jwk] } },
  };

  // RG-12, CA-1, PK-4, MD-8, AT-1, AT-2, RT-1, RV-3, TK-2: from nothing to an end that the client wants.
  for (const [method, metadata] of Object.entries(REGISTRATIONS)) {
    test(`a client registered for ${method}, from registration to revocation`, async () => {
      const registered = await client.register({ ...metadata, token_endpoint_auth_method: method });
      assert.equal(registered.metadata.token_endpoint_auth_method, method);
      const key = await webKey('ES256');
      const mine = registered.authenticating({
        none: () => oauth.None(),
        client_secret_basic: (secret) => oauth.ClientSecretBasic(secret),
        client_secret_post: (secret) => oauth.ClientSecretPost(secret),
        private_key_jwt: () => oauth.PrivateKeyJwt(key),
      }[method](registered.metadata.client_secret));
      const tokens = keep(await mine.connect({ user: 'basic' }));
      const claims = await mine.validate(tokens.access_token, deployment.url);
      assert.equal(claims.client_id, registered.metadata.client_id);
      assert.equal(claims.scope, tokens.scope);
      const renewed = keep(await mine.refresh(tokens.refresh_token));
      assert.notEqual(renewed.refresh_token, tokens.refresh_token);
      await mine.validate(renewed.access_token, deployment.url);
      await mine.revoke(renewed.refresh_token);
      await mustBeRefused(mine.refresh(renewed.refresh_token), 400, 'invalid_grant');
      await mine.revoke('nobody-knows-this-token');
    });
  }

  // RFC 9207 §2.4: the client looks, and there is something to look at, in refusals too.
  test('a person who says no, and answers that are not this server\'s', async () => {
    const mine = (await client.register({ redirect_uris: [LOOPBACK_REDIRECT] })).authenticating(oauth.None());
    const denied = await mine.ask({ user: 'basic', decision: 'deny' });
    await assert.rejects(async () => mine.answer(denied), (error) => {
      assert.ok(error instanceof oauth.AuthorizationResponseError, `${error}`);
      assert.equal(error.error, 'access_denied');
      return true;
    });
    const asked = await mine.ask({ user: 'basic' });
    for (const change of [(q) => q.delete('iss'), (q) => q.set('iss', 'https://other.example')]) {
      const back = new URL(asked.back);
      change(back.searchParams);
      await mustBeCoded(async () => mine.answer({ ...asked, back }), oauth.INVALID_RESPONSE);
    }
    await mustBeCoded(async () => mine.answer({ ...asked, state: randomUUID() }), oauth.INVALID_RESPONSE);
    keep(await mine.redeem(asked));
  });

  // PK-4, AZ-13, CA-3 (RFC 6749 §5.2): what is wrong is told in words that the client knows.
  test('codes, verifiers, redirects and secrets that are wrong', async () => {
    const registered = await client.register({ redirect_uris: [WEB_REDIRECT, `${WEB_REDIRECT}/2`] });
    const { client_secret: secret } = registered.metadata;
    const mine = registered.authenticating(oauth.ClientSecretBasic(secret));
    const asked = () => mine.ask({ user: 'basic' });
    const otherCode = await asked();
    otherCode.back.searchParams.set('code', `${otherCode.back.searchParams.get('code').slice(0, -4)}AAAA`);
    await mustBeRefused(mine.redeem(otherCode), 400, 'invalid_grant');
    const verifier = oauth.generateRandomCodeVerifier();
    await mustBeRefused(mine.redeem({ ...await asked(), verifier }), 400, 'invalid_grant');
    await mustBeRefused(mine.redeem({ ...await asked(), redirectUri: `${WEB_REDIRECT}/2` }), 400, 'invalid_grant');
    const once = await asked();
    keep(await mine.redeem(once));
    await mustBeRefused(mine.redeem(once), 400, 'invalid_grant');

    await mustBeChallenged(registered.authenticating(oauth.ClientSecretBasic(`${secret}x`)).redeem(await asked()));
    const posts = registered.authenticating(oauth.ClientSecretPost(secret));
    await mustBeRefused(posts.redeem(await asked()), 401, 'invalid_client');
    const stranger = { ...registered.metadata, client_id: 'nobody' };
    await mustBeChallenged(client.as(stranger).authenticating(oauth.ClientSecretBasic(secret)).revoke('a'));
  });

  // RG-1, RG-3 (RFC 7591 §3.2.2).
  test('registrations that are refused', async () => {
    await mustBeRefused(client.register({ redirect_uris: ['http://app.example.com/'] }), 400, 'invalid_redirect_uri');
    const machine = { redirect_uris: [WEB_REDIRECT], grant_types: ['client_credentials'] };
    await mustBeRefused(client.register(machine), 400, 'invalid_client_metadata');
  });

  // CA-1, T-CA-05 (RFC 6749 §2.3.1): by HTTP Basic both are form-encoded, and decoded here.
  test('an id and a secret of characters that mean something', async () => {
    const known = { client_id: AWKWARD_ID, redirect_uris: [WEB_REDIRECT] };
    for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
      const mine = client.as(known).authenticating(method(AWKWARD_SECRET));
      const tokens = keep(await mine.connect({ user: 'manager' }));
      assert.equal((await mine.validate(tokens.access_token, deployment.url)).client_id, AWKWARD_ID);
    }
  });

  // IN-2, IN-4, IN-5, CC-1, CC-2, CA-4 (RFC 7662 §2.2, RFC 6749 §4.4, RFC 7523 §2.2).
  const machines = {
    'a secret by client_secret_basic': ['machine', () => oauth.ClientSecretBasic(AWKWARD_SECRET)],
    'a secret by client_secret_post': ['machine', () => oauth.ClientSecretPost(AWKWARD_SECRET)],
    'an awkward id': [`${AWKWARD_ID}machine`, () => oauth.ClientSecretBasic(AWKWARD_SECRET)],
    ...Object.fromEntries(Object.keys(KEYS).map((algorithm) => (
      [algorithm, [`signs-${algorithm}`, async () => oauth.PrivateKeyJwt(await webKey(algorithm), AS_ADVERTISED)]]))),
  };
  for (const [what, [id, method]] of Object.entries(machines)) {
    test(`a machine with ${what}, and what its token is worth`, async () => {
      const mine = client.as({ client_id: id }).authenticating(await method());
      const tokens = keep(await mine.actForItself());
      assert.deepEqual([tokens.scope, tokens.refresh_token], ['mcp:read', undefined]);
      const claims = await mine.validate(tokens.access_token, deployment.url);
      assert.deepEqual([claims.sub, claims.client_id], [id, id]);
      const asks = client.as({ client_id: 'resource-server' }).authenticating(oauth.ClientSecretBasic(AWKWARD_SECRET));
      const { active, jti, aud, scope } = await asks.introspect(tokens.access_token);
      assert.deepEqual({ active, jti, aud, scope }, { active: true, jti: claims.jti, aud: deployment.url, scope: 'mcp:read' });
      await mine.revoke(tokens.access_token);
      assert.deepEqual({ ...await asks.introspect(tokens.access_token) }, { active: false });
    });
  }

  test('a public client asks about a token', async () => {
    const { metadata } = await client.register({ redirect_uris: [LOOPBACK_REDIRECT] });
    const mine = client.as(metadata).authenticating(oauth.None());
    await mustBeRefused(mine.introspect('anything'), 401, 'invalid_client');
  });
});

describe('openid-client', () => {
  const options = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] };
  const known = (id, method) => openid.discovery(new URL(deployment.issuer), id, undefined, method, options);

  /** A code by the library's own URL and checks. */
  async function connect(config, redirectUri, choices) {
    const checks = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: openid.randomState() };
    const person = new Person();
    const back = await person.authorize(openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      state: checks.expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      resource: deployment.url,
    }), choices);
    deployment.secrets.push(...person.codes, checks.pkceCodeVerifier);
    return { back, checks };
  }

  const METHODS = {
    none: [LOOPBACK_REDIRECT, openid.None],
    client_secret_basic: [WEB_REDIRECT, openid.ClientSecretBasic],
    client_secret_post: [WEB_REDIRECT, openid.ClientSecretPost],
  };
  for (const [method, [redirectUri, authentication]] of Object.entries(METHODS)) {
    test(`registered for ${method}, from registration to revocation`, async () => {
      const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: method };
      const config = await openid.dynamicClientRegistration(
        new URL(deployment.issuer), metadata, authentication(), options);
      const { back, checks } = await connect(config, redirectUri, { user: 'admin', tick: 'all' });
      const tokens = keep(await openid.authorizationCodeGrant(config, back, checks, { resource: deployment.url }));
      assert.ok(tokens.expiresIn() > 0);
      const renewed = keep(await openid.refreshTokenGrant(config, tokens.refresh_token, { scope: 'mcp:read' }));
      assert.equal(renewed.scope, 'mcp:read');
      const asks = await known('resource-server', openid.ClientSecretPost(AWKWARD_SECRET));
      assert.equal((await openid.tokenIntrospection(asks, renewed.access_token)).active, true);
      await openid.tokenRevocation(config, renewed.refresh_token, { token_type_hint: 'refresh_token' });
      assert.equal((await openid.tokenIntrospection(asks, renewed.access_token)).active, false);
      await mustBeRefused(openid.refreshTokenGrant(config, renewed.refresh_token), 400, 'invalid_grant');
    });
  }

  test('a secret that is wrong is a challenge, and a code that is wrong an error', async () => {
    const wrong = await known(AWKWARD_ID, openid.ClientSecretBasic('not the secret'));
    const first = await connect(wrong, WEB_REDIRECT, { user: 'basic' });
    await mustBeChallenged(openid.authorizationCodeGrant(wrong, first.back, first.checks));
    const right = await known(AWKWARD_ID, openid.ClientSecretBasic(AWKWARD_SECRET));
    const { back, checks } = await connect(right, WEB_REDIRECT, { user: 'basic' });
    const other = { ...checks, pkceCodeVerifier: openid.randomPKCECodeVerifier() };
    await mustBeRefused(openid.authorizationCodeGrant(right, back, other), 400, 'invalid_grant');
  });

  test('machines, by secret and by signature', async () => {
    const methods = [
      ['machine', openid.ClientSecretBasic(AWKWARD_SECRET)], ['machine', openid.ClientSecretPost(AWKWARD_SECRET)],
      ...await Promise.all(Object.keys(KEYS).map(async (algorithm) => (
        [`signs-${algorithm}`, openid.PrivateKeyJwt(await webKey(algorithm), AS_ADVERTISED)]))),
    ];
    for (const [id, method] of methods) {
      const config = await known(id, method);
      const tokens = keep(await openid.clientCredentialsGrant(config, { resource: deployment.url }));
      assert.equal(tokens.scope, 'mcp:read', id);
      const elsewhere = { resource: `${deployment.url}/elsewhere` };
      await mustBeRefused(openid.clientCredentialsGrant(config, elsewhere), 400, 'invalid_target');
    }
  });
});

describe('Authlib', () => {
  const cases = {
    'metadata as RFC 8414 wants them': { story: 'metadata' },
    'a public client': { story: 'person', method: 'none', redirect_uri: LOOPBACK_REDIRECT },
    'a client with a secret by client_secret_basic': {
      story: 'person', method: 'client_secret_basic', redirect_uri: WEB_REDIRECT,
    },
    'a client with a secret by client_secret_post': {
      story: 'person', method: 'client_secret_post', redirect_uri: WEB_REDIRECT,
    },
    'a machine by client_secret_basic': { story: 'machine', client_id: 'machine', method: 'client_secret_basic' },
    'a machine by client_secret_post': { story: 'machine', client_id: 'machine', method: 'client_secret_post' },
    ...Object.fromEntries(Object.entries(KEYS).map(([algorithm, { pem }]) => (
      [`a machine that signs with ${algorithm}`, { story: 'signer', client_id: `signs-${algorithm}`, algorithm, pem }]))),
    'a machine that signs for the token endpoint': {
      story: 'signer', client_id: 'signs-for-the-endpoint', algorithm: 'ES256', pem: KEYS.ES256.pem, for_endpoint: true,
    },
  };
  for (const [what, setting] of Object.entries(cases)) {
    test(what, () => {
      const { issuer, url: resource } = deployment;
      const input = JSON.stringify({ issuer, resource, secret: AWKWARD_SECRET, ...setting });
      const run = spawnSync(here('../.venv/bin/python'), [here('../python/authlib_client.py')], {
        input, encoding: 'utf8', timeout: LIMIT_MS,
      });
      assert.equal(run.status, 0, `${run.stderr}\n${run.error ?? ''}`);
      deployment.secrets.push(...JSON.parse(run.stdout));
    });
  }
});

/** Both JavaScript libraries know this error: an RFC 6749 §5.2 body with that status. */
async function mustBeRefused(action, status, code) {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof oauth.ResponseBodyError, `${error} (${error.code})`);
    assert.deepEqual([error.status, error.error], [status, code]);
    assert.ok(error.error_description.length > 10);
    return true;
  });
}

/** RFC 6749 §5.2, RFC 9110 §11.6.1: 401, and the scheme in which the client tried. */
async function mustBeChallenged(action) {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, `${error} (${error.code})`);
    assert.equal(error.status, 401);
    assert.deepEqual(error.cause.map(({ scheme, parameters }) => [scheme, parameters.realm]), [['basic', 'wicketgate']]);
    return true;
  });
}
