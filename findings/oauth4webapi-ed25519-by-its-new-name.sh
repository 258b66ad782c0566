#!/usr/bin/env bash
# npm oauth4webapi 3.8.8, Node 20 or newer.
#
# A client that authenticates by private_key_jwt with an Ed25519 key says `alg: "Ed25519"` (RFC 9864), and
# never `EdDSA` (RFC 8037), whatever token_endpoint_auth_signing_alg_values_supported of the server lists.
# A server whose library knows the older name alone refuses the assertion, although its metadata offers
# Ed25519 keys as EdDSA. `modifyAssertion` can rewrite the header before it is signed.
#
# Expected output:
#   the server lists: EdDSA
#   the client signs with: Ed25519
#   after modifyAssertion: EdDSA
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund oauth4webapi@3.8.8 >/dev/null

cat >signed.mjs <<'JS'
import * as oauth from 'oauth4webapi';

const as = {
  issuer: 'https://as.example',
  token_endpoint: 'https://as.example/token',
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['EdDSA'],
};
const { privateKey } = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);

async function signedWith(options) {
  let header;
  await oauth.clientCredentialsGrantRequest(
    as, { client_id: 'client' }, oauth.PrivateKeyJwt(privateKey, options), {},
    {
      [oauth.customFetch]: async (_, { body }) => {
        const [encoded] = new URLSearchParams(body).get('client_assertion').split('.');
        header = JSON.parse(Buffer.from(encoded, 'base64url'));
        return Response.json({ access_token: 't', token_type: 'Bearer' });
      },
    },
  );
  return header.alg;
}

console.log(`the server lists: ${as.token_endpoint_auth_signing_alg_values_supported}`);
console.log(`the client signs with: ${await signedWith()}`);
const older = { [oauth.modifyAssertion]: (header) => { header.alg = 'EdDSA'; } };
console.log(`after modifyAssertion: ${await signedWith(older)}`);
JS
node signed.mjs | tee seen
diff - seen <<'SEEN'
the server lists: EdDSA
the client signs with: Ed25519
after modifyAssertion: EdDSA
SEEN
