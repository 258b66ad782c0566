// People sign in at a SAML provider on pysaml2, with which many a university and SATOSA are built.
// By itself it signs with SHA-1, which nobody should believe: then nobody gets in, and the log says
// why.

import { after, before, describe, test } from 'node:test';
import { PEOPLE } from '../lib/company.mjs';
import {
  mustStayThemselves, samlProvider, serviceProviderKey, signInWith, tellOf, trustAt,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { MODES } from '../lib/connection.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { SHA256, startPysaml2Idp } from '../lib/pysaml2-idp.mjs';
import { NAMINGS } from '../lib/saml-idp.mjs';
import { allTools } from '../lib/tools.mjs';
import { mustStrand } from '../lib/trouble.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const REFUSED = 403;
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

/** SHA-1 where its operator thought of only one of the two. */
const HALF = {
  signature: { digest_algorithm: SHA256.digest_algorithm },
  digest: { signing_algorithm: SHA256.signing_algorithm },
};

const PROVIDERS = {
  plain: {},
  asking: { name_id_format: PERSISTENT },
  named: { attributes: { ...NAMINGS.oid.names, user: 'urn:oid:0.9.2342.19200300.100.1.1' } },
};
const it = {};

before(async () => {
  it.upstream = await demoServer();
  [it.tools, it.idp] = await Promise.all([allTools(it.upstream.url), startPysaml2Idp()]);
  it.key = serviceProviderKey();
  const signIn = signInWith(
    samlProvider('signed', it.idp, { naming: 'oid', ...it.key.settings, sign_requests: true }),
    ...Object.entries(PROVIDERS).map(([id, more]) => samlProvider(id, it.idp, { naming: 'oid', sign_requests: false, ...more })),
  );
  it.deployment = await oneProcess({ ceiling: SCOPES, upstream: it.upstream.url, signIn });
  for (const id of ['signed', ...Object.keys(PROVIDERS)]) await trustAt(it.idp, it.deployment, id);
});

after(async () => {
  await it.deployment?.stop();
  await it.idp?.stop();
  it.key?.remove();
  await gateway.stop(it.upstream.program);
});

describe('with SHA-256 switched on', () => {
  before(() => it.idp.configure());
  for (const [username, tick, mode] of [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']]) {
    test(`${username}, who is ${PEOPLE[username].user}: the whole story`, async () => {
      await tellOf(it.deployment, it.tools, username, { provider: 'signed', tick, mode: MODES[mode] });
    });
  }

  test('without name_id_format: the name that its operator chose', async () => {
    await mustStayThemselves(it.deployment, it.tools, 'tom', 'plain');
  });

  test('with name_id_format: the one that ours asks for, whatever was chosen there', async () => {
    it.idp.configure({ persistent: false });
    await mustStayThemselves(it.deployment, it.tools, 'tom', 'asking');
  });

  test('chosen by nobody it is transient, and names nobody', async () => {
    it.idp.configure({ persistent: false });
    await mustStrand(it.deployment, { provider: 'plain', status: REFUSED, log: /plain.*transient/ });
  });

  test('chosen by nobody, with an attribute for the user', async () => {
    it.idp.configure({ persistent: false });
    await mustStayThemselves(it.deployment, it.tools, 'ada', 'named');
  });
});

describe('with SHA-1 it is refused, and the log names the algorithm', () => {
  test('as it comes', async () => {
    it.idp.configure({ algorithms: {} });
    await mustStrand(it.deployment, { provider: 'plain', status: REFUSED, log: /plain.*rsa-sha1/ });
  });

  for (const [part, algorithms] of Object.entries(HALF)) {
    test(`in the ${part} alone`, async () => {
      it.idp.configure({ algorithms });
      await mustStrand(it.deployment, { provider: 'plain', status: REFUSED, log: /plain.*sha1/ });
    });
  }
});
