// The company's OpenID provider is down, slow, broken or hostile. The person is told what to do,
// the operator can read why, nobody is signed in, and nothing has to be restarted afterwards.

import assert from 'node:assert/strict';
import tls from 'node:tls';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import {
  mustGetIn, oidcProvider, registerAt, signInWith,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startOidcIdp } from '../lib/oidc-idp.mjs';
import { certificateFor, cut, hold, json, late, query, say, startTamper } from '../lib/tamper.mjs';
import { allTools } from '../lib/tools.mjs';
import { mustGoOnFrom, mustHeal, mustStrand } from '../lib/trouble.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const DISCOVERY = '/.well-known/openid-configuration';
const UNAVAILABLE = 503;
const REFUSED = 403;
const MISFIT = 502;
const PROVIDER = 'corp';

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

function scene({ provider = {}, tamper: options = {}, idp = {} } = {}) {
  const it = {};
  before(async () => {
    it.tamper = await startTamper(options);
    it.idp = await startOidcIdp({ issuer: it.tamper.origin, ...idp });
    it.tamper.forwardTo(it.idp.origin);
    const signIn = signInWith(oidcProvider(PROVIDER, it.idp, provider));
    it.deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, signIn });
    await registerAt(it.idp, it.deployment, PROVIDER);
  });
  after(async () => {
    await it.deployment?.stop();
    await it.idp?.stop();
    await it.tamper?.stop();
  });
  return it;
}

/** Each with what the operator's log must tell. Nothing has been learnt from the provider before. */
const FIRST_CONTACT = {
  'it answers 500': { harm: say(500), log: /corp.*500/ },
  'it answers 503 with a page': { harm: say(503, '<h1>Maintenance</h1>'), log: /corp.*503/, never: ['Maintenance'] },
  'it answers something else': { harm: say(200, '<html>Hello</html>'), log: /corp.*(JSON|json|parse|expected)/ },
  'it closes the connection': { harm: cut(), log: /corp.*cannot be reached/ },
  'it never answers': { harm: hold(), log: /corp.*(time|slow|in time)/i },
  'T-UP-03: it calls itself something else': {
    harm: json((document) => ({ ...document, issuer: 'https://elsewhere.example' })),
    status: MISFIT,
    log: /corp.*elsewhere\.example/,
  },
  'T-UP-01: it wants people to sign in at javascript:': {
    harm: json((document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' })),
    status: MISFIT,
    log: /corp.*authorization_endpoint/,
  },
};

for (const [what, { harm, log, status = UNAVAILABLE, never }] of Object.entries(FIRST_CONTACT)) {
  describe(`at the first contact, ${what}`, () => {
    const it = scene();
    test('the person and the operator are told, and it heals by itself', async () => {
      const undo = it.tamper.at(DISCOVERY, harm);
      await mustStrand(it.deployment, { provider: PROVIDER, status, log, never });
      undo();
      await mustHeal(() => mustGetIn(it.deployment, tools, 'ada', PROVIDER));
    });
  });
}

describe('while somebody is on the way back', () => {
  const it = scene({ provider: { userinfo: 'always' } });
  before(() => mustGetIn(it.deployment, tools, 'tom', PROVIDER));

  const PASSING = {
    'the token endpoint answers 500': { path: '/token', harm: say(500), log: /corp.*500/ },
    'the token endpoint closes the connection': { path: '/token', harm: cut(), log: /corp/ },
    'the token endpoint never answers': { path: '/token', harm: hold(), log: /corp/ },
    'the token endpoint answers a page': { path: '/token', harm: say(200, '<html>'), log: /corp/ },
  };

  for (const [what, { path, harm, log }] of Object.entries(PASSING)) {
    test(`${what}: the page can be loaded again and the person goes on`, async () => {
      const undo = it.tamper.at(path, harm);
      const stranded = await mustStrand(it.deployment, { provider: PROVIDER, status: UNAVAILABLE, log });
      undo();
      await mustGoOnFrom(it.deployment, { ...stranded, provider: PROVIDER });
    });
  }

  test('userinfo is away: nobody is signed in with half of what is known', async () => {
    const undo = it.tamper.at('/me', say(500));
    await mustStrand(it.deployment, { provider: PROVIDER, status: UNAVAILABLE, log: /corp.*500/ });
    undo();
    await mustGetIn(it.deployment, tools, 'ada', PROVIDER);
  });

  const HOSTILE = {
    'the ID token is for another nonce': { path: '/auth', harm: query({ nonce: 'of-somebody-else' }), log: /corp.*nonce/i },
    'T-UP-04: userinfo is about somebody else': {
      path: '/me', harm: json((claims) => ({ ...claims, sub: 'id-of-ingrid' })), log: /corp.*sub/i,
    },
    'the ID token was changed on the way': {
      path: '/token',
      harm: json((answer) => ({ ...answer, id_token: withGroups(answer.id_token, ['admins']) })),
      log: /corp.*signature/i,
    },
    'the ID token is not signed at all': {
      path: '/token',
      harm: json((answer) => ({ ...answer, id_token: unsigned(answer.id_token) })),
      log: /corp.*(alg|none|signature)/i,
    },
  };

  for (const [what, { path, harm, log }] of Object.entries(HOSTILE)) {
    test(what, async () => {
      const undo = it.tamper.at(path, harm);
      await mustStrand(it.deployment, { provider: PROVIDER, status: REFUSED, log });
      undo();
    });
  }

  test('IS-3: the answer comes from another issuer than was asked', async () => {
    const undo = it.tamper.everywhere({
      answer: (answer) => {
        const { location = '' } = answer.headers;
        if (!location.startsWith(`${it.deployment.issuer}/sign-in/`)) return answer;
        const back = new URL(location);
        back.searchParams.set('iss', 'https://elsewhere.example');
        return { ...answer, headers: { ...answer.headers, location: back.href } };
      },
    });
    const asked = it.tamper.count('/token');
    await mustStrand(it.deployment, { provider: PROVIDER, status: REFUSED, log: /corp.*iss/ });
    undo();
    assert.equal(it.tamper.count('/token'), asked, 'the code went nowhere');
  });

  test('after all of it, the next person signs in', async () => {
    await mustGetIn(it.deployment, tools, 'ingrid', PROVIDER);
  });
});

describe('an ID token that lives for a second and comes three later', () => {
  const it = scene({ provider: { clock_skew_seconds: 0 }, idp: { idTokenSeconds: 1 } });

  test('it has expired: nobody is signed in', async () => {
    const undo = it.tamper.at('/token', late(3000));
    await mustStrand(it.deployment, { provider: PROVIDER, status: REFUSED, log: /corp.*expired/ });
    undo();
  });
});

function decoded(part) {
  return JSON.parse(Buffer.from(part, 'base64url'));
}

function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function withGroups(token, groups) {
  const [header, claims, signature] = token.split('.');
  return [header, encoded({ ...decoded(claims), groups }), signature].join('.');
}

function unsigned(token) {
  const [header, claims] = token.split('.');
  return [encoded({ ...decoded(header), alg: 'none' }), claims, ''].join('.');
}

describe('https with a certificate that nobody vouches for', () => {
  const certificate = certificateFor('localhost');
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-ca-`);
  const file = `${directory}/ca.pem`;
  writeFileSync(file, certificate.authority);
  after(() => rmSync(directory, { recursive: true, force: true }));
  const tamper = { host: 'localhost', tls: certificate };

  describe('that we do not know', () => {
    const it = scene({ tamper });
    test('is not believed', async () => {
      await mustStrand(it.deployment, { provider: PROVIDER, status: UNAVAILABLE, log: /corp.*certificate/i });
      assert.deepEqual(it.tamper.calls, [], 'not a word was said to it');
    });
  });

  describe('that the operator knows', () => {
    const it = scene({ tamper, provider: { extra_ca_file: file } });
    // The person's browser must know it, too.
    before(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.authority]));
    test('is as good as any', async () => {
      await mustGetIn(it.deployment, tools, 'ada', PROVIDER);
    });
  });
});
