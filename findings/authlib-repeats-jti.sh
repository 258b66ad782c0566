#!/usr/bin/env bash
# PyPI Authlib 1.9.10, Python 3.
#
# A client that authenticates by private_key_jwt (RFC 7523 §2.2) with extra claims, set up once as
# PrivateKeyJWT(token_endpoint, claims={...}), sends the same `jti` with every token request: the first
# `jti` is written into the caller's own dictionary, and from then on it counts as given. Without
# `claims` each request has a new one.
#
# So an authorization server that takes each `jti` once, as RFC 7523 §3 allows and most do, answers the
# first request and refuses all others from that object. A new PrivateKeyJWT for each request helps.
#
# Expected output:
#   without claims: 3 requests, 3 different jti
#   with claims: 3 requests, 1 different jti
#   the caller's dictionary now has: aud jti
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'Authlib==1.9.10' 'requests==2.32.5' 'cryptography'

cat >count.py <<'PY'
import base64
import json
import logging

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ENDPOINT = 'https://as.example/token'
key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Endpoint(requests.adapters.BaseAdapter):
    """Answers in place of the token endpoint, and keeps each assertion's jti."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def send(self, request, **_):
        form = dict(pair.split('=', 1) for pair in request.body.split('&'))
        payload = form['client_assertion'].split('.')[1]
        self.seen.append(json.loads(base64.urlsafe_b64decode(payload + '=='))['jti'])
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b'{"access_token": "t", "token_type": "Bearer"}'
        answer.request = request
        return answer

    def close(self):
        pass


def ids(**extra):
    session = OAuth2Session('client', key, token_endpoint_auth_method='private_key_jwt')
    session.register_client_auth_method(PrivateKeyJWT(ENDPOINT, **extra))
    endpoint = Endpoint()
    session.mount('https://', endpoint)
    for _ in range(3):
        session.fetch_token(ENDPOINT, grant_type='client_credentials')
    return endpoint.seen


claims = {'aud': 'https://as.example'}
for name, seen in (('without claims', ids()), ('with claims', ids(claims=claims))):
    print(f'{name}: {len(seen)} requests, {len(set(seen))} different jti')
print("the caller's dictionary now has:", *sorted(claims))
PY
venv/bin/python count.py | tee seen
diff - seen <<'SEEN'
without claims: 3 requests, 3 different jti
with claims: 3 requests, 1 different jti
the caller's dictionary now has: aud jti
SEEN
