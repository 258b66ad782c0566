#!/usr/bin/env bash
# npm oauth4webapi 3.8.8, Node 20 or newer.
#
# A token endpoint that refuses a client with 401 `invalid_client` must send `WWW-Authenticate` if the
# client used the Authorization header (RFC 6749 §5.2). oauth4webapi reads that header first: the program
# gets a WWWAuthenticateChallengeError with the challenge, and `error` of the body is nowhere in it. The
# same answer without the header, which RFC 6749 allows to a client that sent its secret in the body, is a
# ResponseBodyError with `invalid_client`.
#
# So an authorization server that adds the challenge to every 401, as RFC 9110 §15.5.2 would have it, hides
# from these clients (openid-client stands on this library) why they were refused.
#
# Expected output:
#   with a challenge: WWWAuthenticateChallengeError, error undefined, challenges basic
#   without: ResponseBodyError, error invalid_client
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund oauth4webapi@3.8.8 >/dev/null

cat >refused.mjs <<'JS'
import * as oauth from 'oauth4webapi';

const as = { issuer: 'https://as.example', token_endpoint: 'https://as.example/token' };
const client = { client_id: 'client' };
const answer = (headers) => Response.json({ error: 'invalid_client' }, { status: 401, headers });

async function refused(headers) {
  try {
    await oauth.processClientCredentialsResponse(as, client, answer(headers));
    return 'taken';
  } catch (error) {
    const challenges = error.cause?.map?.(({ scheme }) => scheme).join(' ');
    return `${error.constructor.name}, error ${error.error}${challenges ? `, challenges ${challenges}` : ''}`;
  }
}

console.log(`with a challenge: ${await refused({ 'www-authenticate': 'Basic realm="tokens"' })}`);
console.log(`without: ${await refused({})}`);
JS
node refused.mjs | tee seen
diff - seen <<'SEEN'
with a challenge: WWWAuthenticateChallengeError, error undefined, challenges basic
without: ResponseBodyError, error invalid_client
SEEN
