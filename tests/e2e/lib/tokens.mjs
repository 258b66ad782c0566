// The token endpoints, used by hand: for what the official client does not do by itself.

import assert from 'node:assert/strict';

const POLL_MS = 100;

function post(url, fields) {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
}

/** RFC 7009 §2.1: a public client ends its grant with the refresh token and its id. */
export async function revoke(metadata, provider) {
  const response = await post(metadata.revocation_endpoint, {
    token: provider.tokens().refresh_token,
    token_type_hint: 'refresh_token',
    client_id: provider.clientInformation().client_id,
  });
  assert.equal(response.status, 200, await response.text());
}

/** One refresh by hand (RFC 6749 §6), with `token` or the provider's own. */
export function refresh(metadata, provider, token = provider.tokens().refresh_token) {
  return post(metadata.token_endpoint, {
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: provider.clientInformation().client_id,
  });
}

/** RFC 6749 §5.2: a refresh token that is no good is `invalid_grant`, as JSON. */
export async function mustNotRefresh(metadata, provider) {
  const response = await refresh(metadata, provider);
  assert.equal(response.status, 400);
  assert.equal((await response.json()).error, 'invalid_grant');
}

/** What the MCP endpoint says to this access token, before it looks at anything else. */
export async function knock(url, accessToken) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
  await response.arrayBuffer();
  return response;
}

/** Waits for the token to be refused, and fails when that takes longer than it may. */
export async function mustBecomeUseless(url, accessToken, limitMs) {
  const start = performance.now();
  let status;
  while (performance.now() - start <= limitMs) {
    ({ status } = await knock(url, accessToken));
    if (status === 401) return;
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
  assert.fail(`the token still gets ${status} after ${limitMs} ms`);
}
