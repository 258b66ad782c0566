// What a client can learn before it has a token.

import assert from 'node:assert/strict';

/** The parameters of a Bearer challenge. */
export function challenge(response) {
  const header = response.headers.get('www-authenticate') ?? '';
  assert.match(header, /^Bearer /, 'the challenge is Bearer');
  return Object.fromEntries([...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

async function json(url) {
  const response = await fetch(url, { redirect: 'manual' });
  assert.equal(response.status, 200, `${url} answers 200`);
  assert.match(response.headers.get('content-type'), /^application\/json/);
  return response.json();
}

/** Any method without a token gets the challenge, before anything else is looked at (B-10, T-MCP-26). */
export async function mustChallenge(url, ceiling) {
  const probes = [
    ['GET', { 'MCP-Protocol-Version': '2024-11-05' }],
    ['POST', { 'Content-Type': 'text/plain' }],
    ['DELETE', {}],
    ['PUT', {}],
  ];
  let found;
  for (const [method, headers] of probes) {
    const response = await fetch(url, { method, headers, redirect: 'manual' });
    await response.arrayBuffer();
    assert.equal(response.status, 401, `${method} without a token`);
    found = challenge(response);
    assert.deepEqual(found.scope.split(' ').sort(), [...ceiling].sort(), 'the challenge names the ceiling');
    assert.equal(found.error, undefined, 'no error where no token was shown (BR-2)');
  }
  return found;
}

/** Well-known URLs of an issuer in every form that clients probe (MD-2, A-02…A-06). */
export function metadataForms(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const forms = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ];
  return path === '' ? forms : [...forms, `${issuer}/.well-known/openid-configuration`];
}

/** Follows discovery by hand and checks that every document agrees with the others. */
export async function discover(url, ceiling) {
  const { resource_metadata: metadataUrl } = await mustChallenge(url, ceiling);
  const resource = await json(metadataUrl);
  assert.equal(resource.resource, url, 'the resource is the URL that people paste (PR-3)');
  assert.equal(resource.authorization_servers.length, 1, 'one issuer (PR-4)');
  assert.deepEqual([...resource.scopes_supported].sort(), [...ceiling].sort());
  const [issuer] = resource.authorization_servers;
  const documents = await Promise.all(metadataForms(issuer).map(json));
  for (const document of documents) {
    assert.equal(document.issuer, issuer, 'the same issuer in every form (MD-3)');
    assert.deepEqual(document, documents[0], 'the same document in every form');
  }
  assert.deepEqual(documents[0].code_challenge_methods_supported, ['S256']);
  assert.equal(documents[0].authorization_response_iss_parameter_supported, true);
  assert.ok(documents[0].token_endpoint_auth_methods_supported.includes('none'));
  return { issuer, metadata: documents[0] };
}
