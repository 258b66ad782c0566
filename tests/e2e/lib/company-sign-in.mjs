// A deployment whose people sign in at their company: configuration, and the two sides made known
// to each other.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PEOPLE, signingIn, USER_TYPES } from './company.mjs';
import { connect, disconnect, MODES } from './connection.mjs';
import { makeKey, mustBeValid, NAMINGS } from './saml-idp.mjs';
import { secretsOf, tellToTheEnd } from './story.mjs';
import { SCOPES } from './configs.mjs';
import { granted, scopeOf } from './tools.mjs';

/** Where an OpenID provider sends people back to, and where it says that they have left. */
export const callbackOf = (deployment, id) => `${deployment.issuer}/sign-in/${id}/callback`;
export const backChannelOf = (deployment, id) => `${deployment.issuer}/sign-in/${id}/backchannel-logout`;

/** An OpenID provider in our configuration: `entry`, and the environment that it names. */
export function oidcProvider(id, idp, more = {}) {
  const name = `OIDC_SECRET_${id.replaceAll('-', '_').toUpperCase()}`;
  const { issuer, client_id, client_secret: secret } = idp.client;
  const entry = {
    id,
    name: `Company ${id}`,
    kind: 'oidc',
    issuer,
    client_id,
    ...(secret ? { client_secret: { env: name } } : {}),
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { user: 'sub', name: 'name', email: 'email', groups: 'groups', organization: 'org' },
    ...more,
  };
  return { entry, secrets: secret ? { [name]: secret } : {} };
}

/** A SAML identity provider in our configuration. */
export function samlProvider(id, idp, { naming = 'plain', ...more } = {}) {
  const { names } = NAMINGS[naming];
  const entry = {
    id,
    name: `Company ${id}`,
    kind: 'saml',
    metadata_url: idp.metadataUrl,
    attributes: { user: 'NameID', ...names },
    ...more,
  };
  return { entry, secrets: {} };
}

/** A key of ours for signing requests and opening assertions, for the length of a story. */
export function serviceProviderKey() {
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-key-`);
  const [key, certificate] = [`${directory}/sp.key`, `${directory}/sp.crt`];
  makeKey(key, certificate, 'service provider');
  return {
    settings: { key: { file: key }, certificate_file: certificate },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What {@link deployment.mjs} wants to know about sign-in. */
export function signInWith(...providers) {
  return {
    providers: providers.map(({ entry }) => entry),
    userTypes: USER_TYPES,
    secrets: Object.assign({}, ...providers.map(({ secrets }) => secrets)),
  };
}

/** The OpenID provider learns where this deployment is. */
export async function registerAt(idp, deployment, id, more = {}) {
  await idp.register({
    ...more,
    redirect_uris: [callbackOf(deployment, id)],
    post_logout_redirect_uris: [`${deployment.issuer}/signed-out`],
    backchannel_logout_uri: backChannelOf(deployment, id),
  });
}

/** The SAML provider learns the same, from the metadata that we publish; `more` is for its operator. */
export async function trustAt(idp, deployment, id, more = {}) {
  const response = await fetch(`${deployment.issuer}/saml/${id}/metadata`);
  assert.equal(response.status, 200, `metadata of ${id}: ${response.status}`);
  const metadata = await response.text();
  mustBeValid(metadata, 'metadata');
  await idp.trust(id, metadata, more);
}

/** The whole story of one of the company's people; its secrets go to the deployment's check. */
export async function tellOf(deployment, tools, username, { provider, tick = 'all', mode = MODES.automatic }) {
  deployment.secrets.push(...await tellToTheEnd({
    url: deployment.url,
    ceiling: SCOPES,
    tools,
    user: PEOPLE[username].user,
    tick,
    mode,
    as: signingIn(username, provider),
  }));
}

/** Only the way in: whoever arrives sees exactly the tools that are theirs. */
export async function mustGetIn(deployment, tools, username, provider, more = {}) {
  const { user } = PEOPLE[username];
  const { person, as } = { as: signingIn(username, provider), ...more };
  const connection = await connect({
    url: deployment.url, mode: MODES.automatic, choices: { as, tick: 'all' }, ...(person ? { person } : {}),
  });
  const { tools: listed } = await connection.client.listTools();
  const scopes = granted(user, SCOPES, 'all');
  const expected = tools.filter((tool) => scopes.includes(scopeOf(tool)));
  assert.deepEqual(listed.map(({ name }) => name).sort(), expected.sort(), `${username} sees their tools`);
  await disconnect(connection);
  deployment.secrets.push(...secretsOf(connection));
  return connection;
}

/** Somebody gets in, and at the next time it is the same person here, as the access tokens say. */
export async function mustStayThemselves(deployment, tools, username, provider) {
  const people = [];
  for (let times = 0; times < 2; times += 1) {
    const { provider: client } = await mustGetIn(deployment, tools, username, provider);
    people.push(JSON.parse(Buffer.from(client.tokens().access_token.split('.')[1], 'base64url')).sub);
  }
  assert.equal(people[0], people[1]);
}
