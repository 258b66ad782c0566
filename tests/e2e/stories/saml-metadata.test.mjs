// SAML metadata by address: while they cannot be had people are told to try again, nothing has to
// be restarted afterwards, and what was read once stays.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signingIn } from '../lib/company.mjs';
import {
  mustGetIn, samlProvider, signInWith, trustAt,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { startSamlIdp } from '../lib/saml-idp.mjs';
import { cut, hold, say, startTamper } from '../lib/tamper.mjs';
import { allTools } from '../lib/tools.mjs';
import { mustHeal, mustStrand } from '../lib/trouble.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ask } from '../lib/waiting-client.mjs';

const METADATA = '/simplesaml/saml2/idp/metadata.php';
const REDIRECT = 'http://127.0.0.1:6199/callback';
const UNAVAILABLE = 503;
/** A failed question is not asked again for half a minute. */
const HEALING_MS = 45_000;
const TROUBLE = {
  broken: { harm: say(500), log: /broken.*500/ },
  gone: { harm: cut(), log: /gone.*cannot be reached/ },
  slow: { harm: hold(), log: /slow.*(time|slow)/i },
  garbled: { harm: say(200, '<html>Maintenance</html>'), log: /garbled.*EntityDescriptor/, never: ['Maintenance'] },
};
const it = { tampers: {} };

before(async () => {
  it.upstream = await demoServer();
  it.tools = await allTools(it.upstream.url);
  it.idp = await startSamlIdp();
  for (const id of Object.keys(TROUBLE)) {
    it.tampers[id] = await startTamper();
    it.tampers[id].forwardTo(it.idp.origin);
  }
  const providers = Object.entries(it.tampers).map(([id, { origin }]) => samlProvider(id, it.idp, {
    metadata_url: `${origin}${METADATA}`, idp_entity_id: it.idp.entityId,
  }));
  it.deployment = await oneProcess({ ceiling: SCOPES, upstream: it.upstream.url, signIn: signInWith(...providers) });
  for (const id of Object.keys(TROUBLE)) await trustAt(it.idp, it.deployment, id);
});

after(async () => {
  await it.deployment?.stop();
  await it.idp?.stop();
  for (const tamper of Object.values(it.tampers)) await tamper.stop();
  await gateway.stop(it.upstream.program);
});

/** Somebody tries until they get in, always for the same client. */
async function mustHealAt(id) {
  const { authorizationUrl } = await ask(it.deployment.url, REDIRECT, 'Patience');
  const choices = { as: signingIn('ada', id) };
  const back = await mustHeal(() => new Person().authorize(authorizationUrl, choices), HEALING_MS);
  assert.ok(back.searchParams.get('code'), `${back.searchParams}`);
  it.deployment.secrets.push(back.searchParams.get('code'));
}

test('the person and the operator are told, it heals by itself, and what is known stays', async () => {
  const undo = {};
  for (const [id, { harm, log, never }] of Object.entries(TROUBLE)) {
    undo[id] = it.tampers[id].at(METADATA, harm);
    await mustStrand(it.deployment, { provider: id, status: UNAVAILABLE, log, never });
  }
  for (const id of Object.keys(TROUBLE)) undo[id]();
  await Promise.all(Object.keys(TROUBLE).map(mustHealAt));

  for (const [id, { harm }] of Object.entries(TROUBLE)) {
    it.tampers[id].at(METADATA, harm);
    await mustGetIn(it.deployment, it.tools, 'tom', id);
  }
});
