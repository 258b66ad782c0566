// A real OpenID provider on loopback: accounts with passwords, groups, and keys that can be changed
// while it runs. The package's own sign-in page believes any password, so this one is ours.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { isPassword, PEOPLE } from './company.mjs';
import { memory } from './oidc-memory.mjs';

const KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

/** A private key for this algorithm, as the provider keeps it. */
function signingKey(algorithm) {
  const jwk = KEYS[algorithm]().privateKey.export({ format: 'jwk' });
  return { ...jwk, alg: algorithm, use: 'sig', kid: randomUUID() };
}

/** What the provider says about a person, under the names that many of them use. */
function claimsOf(username) {
  const { name, email, groups, organizations } = PEOPLE[username];
  return {
    sub: `id-of-${username}`,
    name,
    email,
    email_verified: true,
    // Who is in no group has no such claim at all.
    ...(groups.length > 0 ? { groups } : {}),
    ...(organizations ? { org: organizations } : {}),
  };
}

/** A trusted client is not asked whether it may know who the person is. */
async function grantAll(ctx) {
  const { provider, client, session, params } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

function settings({ client, claimsIn, algorithm, idTokenSeconds, keys, cookieKeys, adapter }) {
  return {
    adapter,
    clients: [{
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: algorithm,
      ...client,
    }],
    jwks: { keys },
    cookies: { keys: cookieKeys },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { profile: ['name'], email: ['email', 'email_verified'], groups: ['groups', 'org'] },
    conformIdTokenClaims: claimsIn === 'userinfo',
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => claimsOf(sub.replace(/^id-of-/, '')) }),
    loadExistingGrant: grantAll,
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: askToSignOut,
        postLogoutSuccessSource: (ctx) => { ctx.body = '<!doctype html><title>Goodbye</title>Goodbye.'; },
      },
    },
    // The package refuses to call this machine, which is where the tests are.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: idTokenSeconds },
  };
}

async function askToSignOut(ctx, theirForm) {
  const button = '<button type="submit" name="logout" value="yes">Sign out</button>';
  ctx.body = `<!doctype html><title>Sign out</title>${theirForm.replace('</form>', `${button}</form>`)}`;
}

function form(action, hint, notice) {
  const known = Object.hasOwn(PEOPLE, hint ?? '') ? hint : '';
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Company sign-in</title>
    <h1>Company sign-in</h1><p>${notice}</p>
    <form method="post" action="${action}">
      <input type="hidden" name="prompt" value="login">
      <label>Name <input name="login" value="${known}" required></label>
      <label>Password <input type="password" name="password" required></label>
      <button type="submit">Sign in</button>
    </form></html>`;
}

async function read(request) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return new URLSearchParams(body);
}

function show(response, status, html) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html);
}

class OidcIdp {
  /** Where it listens. */
  origin;
  /** Who it says it is: `origin`, or the address of what stands in front of it. */
  issuer;
  /** What a relying party is told: id, secret and issuer. */
  client;
  /** Every authorization request, as its parameters. */
  asked = [];
  /** What became of each message about somebody who left: `backchannel.success` or `.error`. */
  heard = [];
  #options;
  #provider;
  #server;
  #cookieKeys = [randomBytes(32).toString('hex')];
  #keys;
  #adapter = memory();

  async start(options) {
    this.#options = options;
    this.#keys = [signingKey(options.algorithm)];
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        if (!response.headersSent) show(response, 500, String(error));
      });
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.origin = `http://${options.host}:${this.#server.address().port}`;
    this.issuer = options.issuer ?? this.origin;
    this.client = { issuer: this.issuer, client_id: options.client.client_id, client_secret: options.client.client_secret };
    this.#configure();
    return this;
  }

  /** The package reads its configuration once; sessions and codes are kept outside of it. */
  #configure() {
    const { client, claimsIn, algorithm, idTokenSeconds } = this.#options;
    this.#provider = new Provider(this.issuer, settings({
      client,
      claimsIn,
      algorithm,
      idTokenSeconds,
      keys: this.#keys,
      cookieKeys: this.#cookieKeys,
      adapter: this.#adapter,
    }));
    // What stands in front says by which scheme it was reached.
    this.#provider.proxy = true;
    for (const event of ['backchannel.success', 'backchannel.error']) {
      this.#provider.on(event, () => this.heard.push(event));
    }
    this.#provider.on('server_error', (_ctx, error) => { console.error('identity provider:', error); });
  }

  /** From now on another key signs, and the old one is gone from the published set. */
  rotateKeys() {
    this.#keys = [signingKey(this.#options.algorithm)];
    this.#configure();
  }

  /** Registers the client anew, such as with the redirect URI that is only known now. */
  register(changes) {
    this.#options.client = { ...this.#options.client, ...changes };
    this.#configure();
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.origin);
    if (url.pathname === '/auth') this.asked.push(url.searchParams);
    if (/^\/interaction\/[\w-]+$/.test(url.pathname)) return this.#interact(request, response);
    return this.#provider.callback()(request, response);
  }

  async #interact(request, response) {
    const { uid, params } = await this.#provider.interactionDetails(request, response);
    const action = `/interaction/${uid}`;
    if (request.method !== 'POST') return show(response, 200, form(action, params.login_hint, ''));
    const fields = await read(request);
    const username = fields.get('login');
    if (!isPassword(username, fields.get('password'))) {
      return show(response, 401, form(action, params.login_hint, 'That is not right.'));
    }
    const result = { login: { accountId: `id-of-${username}`, remember: false } };
    return this.#provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/**
 * @param {object} [options]
 * @param {object} [options.client] the relying party, in the words of dynamic registration
 * @param {'id_token'|'userinfo'} [options.claimsIn] where name, e-mail and groups are found
 * @param {'RS256'|'PS256'|'ES256'|'EdDSA'} [options.algorithm] what signs ID tokens
 * @param {number} [options.idTokenSeconds] how long ID tokens are good
 * @param {string} [options.issuer] when something else is reached instead of it
 * @param {'127.0.0.1'|'localhost'} [options.host] two hosts are two sites, and have two sets of cookies
 */
export function startOidcIdp({
  client = {}, claimsIn = 'id_token', algorithm = 'RS256', idTokenSeconds = 600, issuer, host = '127.0.0.1',
} = {}) {
  const secret = randomBytes(24).toString('base64url');
  const known = { client_id: 'wicketgate', redirect_uris: ['http://127.0.0.1:9/later'], ...client };
  const isPublic = ['none', 'private_key_jwt'].includes(known.token_endpoint_auth_method);
  return new OidcIdp().start({
    client: isPublic ? known : { client_secret: secret, ...known }, claimsIn, algorithm, idTokenSeconds, issuer, host,
  });
}
