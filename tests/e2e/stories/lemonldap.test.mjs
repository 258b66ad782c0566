// People sign in at LemonLDAP::NG, which many a company runs by itself: over OpenID Connect and over
// SAML, with the settings that its operator may have left as they were.

import { after, before, describe, test } from 'node:test';
import { PEOPLE } from '../lib/company.mjs';
import {
  mustGetIn, mustStayThemselves, oidcProvider, registerAt, samlProvider, serviceProviderKey, signInWith, tellOf,
  trustAt,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import { configured, consult, mustBeHealthy } from '../lib/doctor.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startLemonLdap } from '../lib/lemonldap.mjs';
import { allTools } from '../lib/tools.mjs';
import { mustStrand } from '../lib/trouble.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const UNAVAILABLE = 503;
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

/** SAML: the NameID that LemonLDAP's operator chose for us, and the one that ours asks for. */
const NAMES = {
  'chosen-by-nobody': { settings: {}, options: {} },
  'chosen-there': { settings: {}, options: { samlSPMetaDataOptionsNameIDFormat: 'persistent' } },
  'chosen-here': { settings: { name_id_format: PERSISTENT }, options: {} },
  'chosen-by-both': {
    settings: { name_id_format: PERSISTENT }, options: { samlSPMetaDataOptionsNameIDFormat: 'persistent' },
  },
};
const it = {};

before(async () => {
  it.upstream = await demoServer();
  [it.tools, it.idp] = await Promise.all([allTools(it.upstream.url), startLemonLdap()]);
  it.key = serviceProviderKey();
  const signIn = signInWith(
    oidcProvider('oidc', it.idp, { scopes: ['openid', 'profile', 'email'] }),
    samlProvider('signed', it.idp, { ...it.key.settings, sign_requests: true, name_id_format: PERSISTENT }),
    ...Object.entries(NAMES).map(([id, { settings }]) => samlProvider(id, it.idp, { sign_requests: false, ...settings })),
  );
  it.deployment = await oneProcess({ ceiling: SCOPES, upstream: it.upstream.url, signIn });
  await registerAt(it.idp, it.deployment, 'oidc');
  await trustAt(it.idp, it.deployment, 'signed', { options: { samlSPMetaDataOptionsCheckSSOMessageSignature: 1 } });
  for (const [id, { options }] of Object.entries(NAMES)) await trustAt(it.idp, it.deployment, id, { options });
});

after(async () => {
  await it.deployment?.stop();
  await it.idp?.stop();
  it.key?.remove();
  await gateway.stop(it.upstream.program);
});

const STORIES = [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']];

describe('over OpenID Connect', () => {
  for (const [username, tick, mode] of STORIES) {
    test(`${username}, who is ${PEOPLE[username].user}: the whole story`, async () => {
      await tellOf(it.deployment, it.tools, username, { provider: 'oidc', tick, mode: MODES[mode] });
    });
  }

  test('a person in no group is a basic user', async () => {
    await mustGetIn(it.deployment, it.tools, 'olga', 'oidc');
  });

  test('a client without an algorithm for its ID tokens: the log says what the provider answers', async (t) => {
    t.after(() => registerAt(it.idp, it.deployment, 'oidc'));
    await registerAt(it.idp, it.deployment, 'oidc', { options: { oidcRPMetaDataOptionsIDTokenSignAlg: undefined } });
    await mustStrand(it.deployment, { provider: 'oidc', status: UNAVAILABLE, log: /oidc.*\/oauth2\/token answered 500.*algorithm/ });
  });
});

describe('doctor', () => {
  const usual = { scopes: ['openid', 'profile', 'email'] };
  const MANNERS = {
    'finds nothing wrong': { settings: usual, warnings: [] },
    'says that logout tokens never come': {
      settings: { ...usual, backchannel_logout: 'sessions' }, warnings: [/backchannel_logout/],
    },
  };
  for (const [what, { settings, warnings }] of Object.entries(MANNERS)) {
    test(what, async (t) => {
      const configuration = configured(signInWith(oidcProvider('oidc', it.idp, settings)));
      t.after(configuration.remove);
      mustBeHealthy(await consult(configuration), { warnings });
    });
  }
});

describe('over SAML', () => {
  for (const [username, tick, mode] of STORIES) {
    test(`${username}, who is ${PEOPLE[username].user}, by a signed request: the whole story`, async () => {
      await tellOf(it.deployment, it.tools, username, { provider: 'signed', tick, mode: MODES[mode] });
    });
  }

  for (const id of Object.keys(NAMES)) {
    test(`NameID ${id.replaceAll('-', ' ')}: somebody gets in, and is the same person the next time`, async () => {
      await mustStayThemselves(it.deployment, it.tools, 'tom', id);
    });
  }
});
