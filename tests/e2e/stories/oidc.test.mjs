// People sign in at their company's OpenID provider: a real one, with passwords, groups and keys.
// Covers the way in for each kind of person, both ways to learn groups, algorithms, client
// authentication, organizations, the way back out, and what happens when keys change (T-UP-05).

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { PEOPLE, signingIn } from '../lib/company.mjs';
import {
  mustGetIn, oidcProvider, registerAt, signInWith, tellOf,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { connect, MODES } from '../lib/connection.mjs';
import { apart, freshDatabase, oneProcess } from '../lib/deployment.mjs';
import { discover } from '../lib/discovery.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startOidcIdp } from '../lib/oidc-idp.mjs';
import { Person } from '../lib/person.mjs';
import { MemoryProvider } from '../lib/provider.mjs';
import { mustRefresh, secretsOf } from '../lib/story.mjs';
import { startTamper } from '../lib/tamper.mjs';
import { mustBecomeUseless, mustNotRefresh } from '../lib/tokens.mjs';
import { allTools } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ask } from '../lib/waiting-client.mjs';

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

/** A provider and a deployment that know each other, for the length of a `describe`. */
function together({ idp: options = {}, provider = {}, registration = {}, start = oneProcess }) {
  const scene = {};
  before(async () => {
    scene.tamper = await startTamper({ host: options.host });
    scene.idp = await startOidcIdp({ ...options, issuer: scene.tamper.origin });
    scene.tamper.forwardTo(scene.idp.origin);
    const signIn = signInWith(oidcProvider('corp', scene.idp, provider));
    scene.deployment = await start({ ceiling: SCOPES, upstream: upstream.url, signIn });
    await registerAt(scene.idp, scene.deployment, 'corp', registration);
  });
  after(async () => {
    await scene.deployment?.stop();
    await scene.idp?.stop();
    await scene.tamper?.stop();
  });
  return scene;
}

const STORIES = [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']];

const SHAPES = {
  'groups in the ID token, RS256; one process on SQLite': {},
  'groups only in userinfo, ES256; two processes, PostgreSQL': {
    idp: { claimsIn: 'userinfo', algorithm: 'ES256' },
    start: (how) => apart({ ...how, database: freshDatabase() }),
  },
  'groups in both, PS256; two processes, SQLite': {
    idp: { algorithm: 'PS256' }, provider: { userinfo: 'always' }, start: apart,
  },
  'groups only in the ID token, EdDSA; one process on PostgreSQL': {
    idp: { algorithm: 'EdDSA' },
    provider: { userinfo: 'never' },
    start: (how) => oneProcess({ ...how, database: freshDatabase() }),
  },
};

for (const [shape, setting] of Object.entries(SHAPES)) {
  describe(shape, () => {
    const scene = together(setting);
    for (const [username, tick, mode] of STORIES) {
      test(`${username}, who is ${PEOPLE[username].user}, with the ${mode} client: the whole story`, async () => {
        await tellOf(scene.deployment, tools, username, { provider: 'corp', tick, mode: MODES[mode] });
      });
    }
  });
}

/** How we prove to the provider who we are: what it registers, and what we are configured with. */
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const CLIENTS = {
  client_secret_post: { client: { token_endpoint_auth_method: 'client_secret_post' } },
  private_key_jwt: {
    client: {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'ours', alg: 'RS256', use: 'sig' }] },
    },
    provider: { client_key: { env: 'OIDC_CLIENT_KEY' }, client_key_id: 'ours' },
    secrets: { OIDC_CLIENT_KEY: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) },
  },
  none: { client: { token_endpoint_auth_method: 'none' } },
};

for (const [method, { client, provider, secrets = {} }] of Object.entries(CLIENTS)) {
  test(`we authenticate with ${method}`, async (t) => {
    const idp = await startOidcIdp({ client });
    t.after(() => idp.stop());
    const signIn = signInWith(oidcProvider('corp', idp, { client_auth: method, ...provider }));
    signIn.secrets = { ...signIn.secrets, ...secrets };
    const deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, signIn });
    await registerAt(idp, deployment, 'corp');
    try {
      await mustGetIn(deployment, tools, 'tom', 'corp');
    } finally {
      await deployment.stop();
    }
  });
}

describe('one company', () => {
  // Another host is another site: what each remembers about the browser is kept apart.
  const scene = together({ idp: { host: 'localhost' } });

  test('T-UP-15: state, nonce and PKCE are independent, and the verifier is in no URL', async () => {
    await mustGetIn(scene.deployment, tools, 'ada', 'corp');
    const asked = scene.idp.asked.at(-1);
    const values = ['state', 'nonce', 'code_challenge'].map((name) => asked.get(name));
    assert.equal(new Set(values).size, 3, `${values}`);
    for (const value of values) assert.ok(value.length >= 22, 'at least 128 bits');
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.equal(asked.get('response_type'), 'code');
    assert.ok(!asked.has('code_verifier'));
    const another = await mustGetIn(scene.deployment, tools, 'ada', 'corp');
    assert.ok(another.person.passwordsGiven === 1);
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.notEqual(scene.idp.asked.at(-1).get(name), asked.get(name), `${name} is new each time`);
    }
  });

  test('whoever is still signed in there needs no password for the next client', async () => {
    const { person } = await mustGetIn(scene.deployment, tools, 'tom', 'corp');
    assert.equal(person.passwordsGiven, 1);
    person.jar.forget('127.0.0.1');
    await mustGetIn(scene.deployment, tools, 'tom', 'corp', { person });
    assert.equal(person.passwordsGiven, 1, 'the provider knew who it was');
  });

  test('a wrong password is the provider\'s to refuse, and the next one gets in', async () => {
    const client = new MemoryProvider();
    const person = new Person();
    const as = { ...signingIn('ada', 'corp'), password: 'guessed' };
    await assert.rejects(connect({ url: scene.deployment.url, choices: { as }, provider: client, person }), /again and again/);
    assert.equal(client.tokens(), undefined);
    await mustGetIn(scene.deployment, tools, 'ada', 'corp');
  });

  test('T-UP-05: the provider changes its keys while somebody is on the way', async () => {
    await mustGetIn(scene.deployment, tools, 'tom', 'corp');
    const before = scene.tamper.count('/jwks');
    const undo = scene.tamper.at('/token', { request: (path) => { undo(); scene.idp.rotateKeys(); return path; } });
    await mustGetIn(scene.deployment, tools, 'ingrid', 'corp');
    assert.equal(scene.tamper.count('/jwks') - before, 1, 'one look at the new keys');
    await mustGetIn(scene.deployment, tools, 'ada', 'corp');
    assert.equal(scene.tamper.count('/jwks') - before, 1, 'and no more');
  });

  for (const organization of PEOPLE.olga.organizations) {
    test(`olga works for two organizations and acts for ${organization}, whichever it was before`, async () => {
      const { provider } = await mustGetIn(scene.deployment, tools, 'olga', 'corp', {
        as: signingIn('olga', 'corp', { organization }),
      });
      const [, claims] = provider.tokens().access_token.split('.');
      assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).organization, organization);
    });
  }

  test('a person who signs in and then refuses sends the client away', async () => {
    const client = await ask(scene.deployment.url, 'http://127.0.0.1:6199/callback', 'Refused');
    const choices = { as: signingIn('ada', 'corp'), decision: 'deny' };
    const back = await new Person().authorize(client.authorizationUrl, choices);
    assert.equal(back.searchParams.get('error'), 'access_denied');
    assert.equal(back.searchParams.get('code'), null);
  });
});

describe('two companies', () => {
  const scene = {};
  before(async () => {
    [scene.north, scene.south] = await Promise.all([
      startOidcIdp({ host: 'localhost' }), startOidcIdp({ host: '127.0.0.1' }),
    ]);
    const signIn = signInWith(
      oidcProvider('north', scene.north, { domains: ['north.test'] }),
      oidcProvider('south', scene.south, { domains: ['example.test'] }),
    );
    scene.deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, signIn });
    await registerAt(scene.north, scene.deployment, 'north');
    await registerAt(scene.south, scene.deployment, 'south');
  });
  after(async () => {
    await scene.deployment?.stop();
    await scene.north?.stop();
    await scene.south?.stop();
  });

  test('an e-mail address finds the right one by its domain, and is its hint', async () => {
    const { deployment, north, south } = scene;
    await mustGetIn(deployment, tools, 'ada', 'nobody presses this', {
      as: { ...signingIn('ada', 'nobody presses this'), find: PEOPLE.ada.email },
    });
    assert.equal(north.asked.length, 0);
    assert.equal(south.asked.at(-1).get('login_hint'), PEOPLE.ada.email);
  });

  test('the same name at two companies is two people', async () => {
    const accounts = [];
    for (const provider of ['north', 'south']) {
      const { provider: client } = await mustGetIn(scene.deployment, tools, 'tom', provider);
      const [, claims] = client.tokens().access_token.split('.');
      accounts.push(JSON.parse(Buffer.from(claims, 'base64url')).sub);
    }
    assert.notEqual(accounts[0], accounts[1]);
  });
});

describe('signing out at the company', () => {
  const POLICIES = {
    sessions: { what: 'lives on', registration: { backchannel_logout_session_required: true } },
    sessions_and_grants: { what: 'ends', registration: {} },
  };
  for (const [policy, { what, registration }] of Object.entries(POLICIES)) {
    describe(`backchannel_logout = ${policy}`, () => {
      const scene = together({ idp: { host: 'localhost' }, provider: { backchannel_logout: policy }, registration });

      test(`T-UP-12: the session here ends, and the connection ${what}`, async () => {
        const { deployment, idp } = scene;
        const person = new Person();
        const choices = { as: signingIn('tom', 'corp'), tick: 'all' };
        const connection = await connect({ url: deployment.url, mode: MODES.automatic, choices, person });
        const { metadata } = await discover(deployment.url, SCOPES);
        const token = connection.provider.tokens().access_token;

        const goodbye = await person.strand(`${idp.issuer}/session/end`, { ...choices, redirectUri: 'http://127.0.0.1:9/none' });
        assert.equal(goodbye.status, 200, goodbye.html);
        assert.deepEqual(idp.heard, ['backchannel.success'], 'we took the provider\'s word');

        if (policy === 'sessions_and_grants') {
          await mustBecomeUseless(deployment.url, token, 5_000);
          await mustNotRefresh(metadata, connection.provider);
        } else {
          await mustRefresh(connection, (client) => client.callTool({ name: 'list_requests', arguments: {} }));
        }
        const { passwordsGiven } = person;
        await mustGetIn(deployment, tools, 'tom', 'corp', { person });
        assert.equal(person.passwordsGiven, passwordsGiven + 1, 'nobody knows who it is any more');
        await connection.client.close();
        deployment.secrets.push(...secretsOf(connection));
      });
    });
  }
});
