// People sign in at their company's SAML identity provider, in every way in which it can sign,
// encrypt, name and ask. SimpleSAMLphp is the provider; the messages are its own.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PEOPLE, signingIn } from '../lib/company.mjs';
import {
  mustGetIn, samlProvider, serviceProviderKey, signInWith, tellOf, trustAt,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { forms } from '../lib/html.mjs';
import { Person } from '../lib/person.mjs';
import { apart, freshDatabase, oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { mustBeValid, NAMINGS, SIGNING, startSamlIdp } from '../lib/saml-idp.mjs';
import { allTools } from '../lib/tools.mjs';
import { mustStrand } from '../lib/trouble.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ask } from '../lib/waiting-client.mjs';

const REFUSED = 403;
const REDIRECT = 'http://127.0.0.1:6199/callback';

let upstream;
let tools;
let idp;
let key;

before(async () => {
  upstream = await demoServer();
  [tools, idp] = await Promise.all([allTools(upstream.url), startSamlIdp({ host: 'localhost' })]);
  key = serviceProviderKey();
});

after(async () => {
  key?.remove();
  await idp?.stop();
  await gateway.stop(upstream.program);
});

/** A deployment that knows the provider under several names, each with settings of its own. */
function deploymentWith(settings, start = oneProcess) {
  const scene = {};
  before(async () => {
    const providers = Object.entries(settings()).map(([id, more]) => samlProvider(id, idp, more));
    scene.deployment = await start({ ceiling: SCOPES, upstream: upstream.url, signIn: signInWith(...providers) });
    for (const id of Object.keys(settings())) await trustAt(idp, scene.deployment, id);
  });
  after(() => scene.deployment?.stop());
  return scene;
}

const STORIES = [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']];
const SHAPES = {
  'one process on SQLite': oneProcess,
  'two processes, PostgreSQL': (how) => apart({ ...how, database: freshDatabase() }),
};

for (const [shape, start] of Object.entries(SHAPES)) {
  describe(`the whole story, ${shape}`, () => {
    const scene = deploymentWith(() => ({ corp: { ...key.settings, sign_requests: true } }), start);
    before(() => idp.configure({ wantSignedRequests: true }));
    for (const [username, tick, mode] of STORIES) {
      test(`${username}, who is ${PEOPLE[username].user}, with the ${mode} client`, async () => {
        await tellOf(scene.deployment, tools, username, { provider: 'corp', tick, mode: MODES[mode] });
      });
    }
  });
}

describe('every way to sign, to encrypt and to name', () => {
  const scene = deploymentWith(() => Object.fromEntries(Object.keys(NAMINGS).flatMap((naming) => [
    [`${naming}-unsigned`, { naming, sign_requests: false, ...key.settings }],
    [`${naming}-signed`, { naming, sign_requests: true, ...key.settings }],
  ])));

  for (const naming of Object.keys(NAMINGS)) {
    for (const signing of ['response', 'assertion', 'both']) {
      for (const [requests, wantSignedRequests] of [['unsigned', false], ['signed', true]]) {
        test(`${naming} names, ${signing} signed, ${requests} requests`, async () => {
          idp.configure({ ...SIGNING[signing], naming, wantSignedRequests });
          await mustGetIn(scene.deployment, tools, 'tom', `${naming}-${requests}`);
        });
      }
    }
  }

  for (const signing of ['response', 'both']) {
    test(`an encrypted assertion, ${signing} signed`, async () => {
      idp.configure({ ...SIGNING[signing], encrypt: true });
      await mustGetIn(scene.deployment, tools, 'ingrid', 'plain-signed');
    });
  }

  test('T-SAML-23: an encrypted assertion in a response that nobody signed is not opened', async () => {
    idp.configure({ ...SIGNING.assertion, encrypt: true });
    await mustStrand(scene.deployment, { provider: 'plain-signed', status: REFUSED, log: /plain-signed.*(sign|encrypt)/i });
  });

  test('nothing signed is nothing said', async () => {
    idp.configure(SIGNING.nothing);
    await mustStrand(scene.deployment, { provider: 'plain-signed', status: REFUSED, log: /plain-signed.*sign/i });
  });

  test('SA-16: a name that is new each time names nobody', async () => {
    idp.configure({ nameId: 'transient' });
    await mustStrand(scene.deployment, { provider: 'plain-signed', status: REFUSED, log: /plain-signed.*transient/i });
  });

  test('a person in no group is a basic user, for the organization of their choice', async () => {
    idp.configure();
    const { provider } = await mustGetIn(scene.deployment, tools, 'olga', 'plain-signed', {
      as: signingIn('olga', 'plain-signed', { organization: 'south' }),
    });
    const [, claims] = provider.tokens().access_token.split('.');
    assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).organization, 'south');
  });

  for (const nameId of ['email', 'unspecified']) {
    test(`the NameID is ${nameId}`, async () => {
      idp.configure({ nameId });
      await mustGetIn(scene.deployment, tools, 'tom', 'plain-signed');
    });
  }

  test('whoever is still signed in there needs no password for the next client', async () => {
    idp.configure();
    const { person } = await mustGetIn(scene.deployment, tools, 'ada', 'plain-signed');
    person.jar.forget('127.0.0.1');
    await mustGetIn(scene.deployment, tools, 'ada', 'plain-signed', { person });
    assert.equal(person.passwordsGiven, 1);
  });
});

describe('the provider\'s answer', () => {
  const scene = deploymentWith(() => ({ corp: { ...key.settings, sign_requests: true } }));
  /** Somebody who has signed in at the provider and not brought the answer yet. */
  async function holder() {
    idp.configure();
    const { authorizationUrl } = await ask(scene.deployment.url, REDIRECT, 'Letters');
    const person = new Person();
    const page = await person.strand(authorizationUrl, { as: signingIn('ada', 'corp', { keepsLetter: true }) });
    const [form] = forms(page.html);
    assert.ok(form.inputs.some(({ name }) => name === 'SAMLResponse'), page.html);
    return { person, to: form.action, letter: Object.fromEntries(form.inputs.map(({ name, value }) => [name, value])) };
  }

  /** A browser without a cookie of ours delivers it, as every browser does (SameSite). */
  function deliver({ to, letter }) {
    return fetch(to, {
      method: 'POST', body: new URLSearchParams(letter), headers: { origin: idp.origin }, redirect: 'manual',
    });
  }

  test('T-CB-20: taken to another browser, it signs in nobody there and nobody any more', async () => {
    const held = await holder();
    const delivered = await deliver(held);
    assert.equal(delivered.status, 303, await delivered.text());
    const next = new URL(delivered.headers.get('location'), held.to);
    const stranger = await fetch(next, { redirect: 'manual' });
    assert.equal(stranger.status, 403, await stranger.text());
    await held.person.strand(next, { as: { ...signingIn('ada', 'corp'), provider: 'no' }, redirectUri: REDIRECT });
    assert.deepEqual(held.person.codes, [], 'an address that was in two browsers is good in none');
  });

  test('T-SAML-24: it is taken once', async () => {
    const held = await holder();
    assert.equal((await deliver(held)).status, 303);
    const second = await deliver(held);
    assert.ok(second.status >= 400 && second.status < 500, `${second.status}`);
  });

  test('T-SAML-24: many at once, and it is taken once', async () => {
    const held = await holder();
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(held)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1, `${answers.map(({ status }) => status)}`);
  });

  test('changed by one character it is not taken, and unchanged it still is', async () => {
    const held = await holder();
    const xml = Buffer.from(held.letter.SAMLResponse, 'base64').toString().replace('>ada<', '>tom<');
    const forged = { ...held.letter, SAMLResponse: Buffer.from(xml).toString('base64') };
    const refused = await deliver({ ...held, letter: forged });
    assert.equal(refused.status, REFUSED);
    assert.equal((await deliver(held)).status, 303);
  });

  for (const [what, left] of [['loses', {}], ['empties', { RelayState: '' }]]) {
    test(`a provider that ${what} RelayState: the request that it answers leads to the sign-in`, async () => {
      const held = await holder();
      const { RelayState, ...rest } = held.letter;
      assert.ok(RelayState, 'we sent one');
      const delivered = await deliver({ ...held, letter: { ...rest, ...left } });
      assert.equal(delivered.status, 303, await delivered.text());
      const next = new URL(delivered.headers.get('location'), held.to);
      const back = await held.person.authorize(next, { as: signingIn('ada', 'corp'), redirectUri: REDIRECT });
      assert.ok(back.searchParams.get('code'), `${back.searchParams}`);
      scene.deployment.secrets.push(...held.person.codes);
    });
  }

  test('T-SAML-21: without the sign-in that asked for it, it is nothing', async () => {
    const held = await holder();
    const { RelayState, ...rest } = held.letter;
    for (const other of ['https://elsewhere.example/', `${RelayState}x`]) {
      const letter = { ...rest, RelayState: other };
      const answer = await deliver({ ...held, letter });
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
    }
  });

  test('T-SAML-21: begun at the provider, it is nothing', async () => {
    idp.configure();
    const tile = `${idp.origin}/simplesaml/saml2/idp/SSOService.php?spentityid=${encodeURIComponent(`${scene.deployment.issuer}/saml/corp`)}`;
    const page = await new Person().strand(tile, { as: signingIn('ada', 'corp', { keepsLetter: true }), redirectUri: REDIRECT });
    const [form] = forms(page.html);
    const letter = Object.fromEntries(form.inputs.map(({ name, value }) => [name, value]));
    assert.ok(letter.SAMLResponse, page.html);
    const answer = await deliver({ to: form.action, letter });
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
  });
});

describe('requests by form', () => {
  const scene = deploymentWith(() => ({
    unsigned: { ...key.settings, request_binding: 'post', sign_requests: false },
    signed: { ...key.settings, request_binding: 'post', sign_requests: true },
  }));
  for (const [provider, wantSignedRequests] of [['unsigned', false], ['signed', true]]) {
    test(`${provider}: the person presses Continue and is on the way`, async () => {
      idp.configure({ wantSignedRequests });
      await mustGetIn(scene.deployment, tools, 'tom', provider);
    });

    test(`${provider}: the request is what the schema wants`, async () => {
      const { authorizationUrl } = await ask(scene.deployment.url, REDIRECT, 'Schema');
      const page = await new Person().strand(authorizationUrl, { as: signingIn('tom', provider, { keepsLetter: true }) });
      const { value } = forms(page.html)[0].inputs.find(({ name }) => name === 'SAMLRequest');
      const request = Buffer.from(value, 'base64').toString();
      assert.equal(/<ds:Signature\b/.test(request), wantSignedRequests);
      mustBeValid(request, 'protocol');
    });
  }
});
