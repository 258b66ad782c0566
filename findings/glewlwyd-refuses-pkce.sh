#!/usr/bin/env bash
# Debian 12, Glewlwyd 2.7.5-3+deb12u1, OpenID Connect plugin with an administrator's first settings.
#
# RFC 6749 §3.1 has an authorization server ignore parameters that it does not know, which is what
# lets a client use PKCE with any server (RFC 7636 §5). Glewlwyd knows `code_challenge` and refuses
# every request that has one, with `invalid_request` and no description, until the plugin's
# `pkce-allowed` is switched on; it is off by default. The discovery document says nothing about PKCE
# meanwhile, as that of a server does that would ignore it.
#
# So a client that always sends a challenge, as OAuth 2.1 asks for, cannot sign anybody in there.
#
# Expected output:
#   as it comes, no challenge: the sign-in page
#   as it comes, a challenge: invalid_request
#   as it comes, discovery names: nothing
#   pkce-allowed, no challenge: the sign-in page
#   pkce-allowed, a challenge: the sign-in page
#   pkce-allowed, discovery names: S256
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Into this directory, with its own libraries. The rest is what every Debian 12 has.
packages=(glewlwyd=2.7.5-3+deb12u1 glewlwyd-common=2.7.5-3+deb12u1 libcbor0.8 libconfig9 libjansson4 libmariadb3
  liborcania2.3 libyder2.0 libhoel1.4 librhonabwy1.1 libmicrohttpd12 libulfius2.7 libiddawc1.1 liboath0 libpq5
  libcurl3-gnutls libldap-2.5-0 libsasl2-2)
apt-get -q download "${packages[@]}" >/dev/null 2>&1
for package in *.deb; do dpkg-deb -x "$package" root; done

cat >ask.py <<'PY'
import gzip
import json
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

ROOT = Path("root").resolve()
DOCUMENTATION = ROOT / "usr/share/doc/glewlwyd"
CALLBACK = "https://client.example/callback"
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()
ORIGIN = f"http://localhost:{PORT}"


def prepare():
    """The packaged database and configuration, at a place and a port of their own."""
    with sqlite3.connect("glewlwyd.db") as database:
        database.executescript(gzip.open(DOCUMENTATION / "database/init.sqlite3.sql.gz", "rt").read())
    text = gzip.open(DOCUMENTATION / "glewlwyd.conf.sample.gz", "rt").read()
    for before, after in {
        "port=4593": f'port={PORT}\nbind_address="127.0.0.1"',
        "http://localhost:4593": ORIGIN,
        "/usr/lib/glewlwyd": f"{ROOT}/usr/lib/glewlwyd",
        "/usr/share/glewlwyd": f"{ROOT}/usr/share/glewlwyd",
        "/var/cache/glewlwyd/glewlwyd.db": str(Path("glewlwyd.db").resolve()),
        "cookie_secure=1": "cookie_secure=0",
    }.items():
        text = text.replace(before, after)
    Path("glewlwyd.conf").write_text(text)


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = build_opener(Stay)
COOKIE = {}


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{ORIGIN}/api{path}", data, {"Content-Type": "application/json", **COOKIE}, method=method)
    try:
        return OPENER.open(request, timeout=10)
    except HTTPError as answer:
        return answer


def must(answer):
    assert answer.status == 200, f"{answer.url}: {answer.status} {answer.read()}"
    return answer


def wait_until_it_listens():
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", PORT)).close()
        except OSError:
            time.sleep(0.05)
    raise TimeoutError


def plugin(more):
    """All that the plugin asks for, and what the question is about."""
    parameters = {
        "iss": f"{ORIGIN}/api/oidc", "jwt-type": "sha", "jwt-key-size": "256", "key": "a key of nobody",
        "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600,
        "refresh-token-rolling": False, "allow-non-oidc": False, "auth-type-code-enabled": True,
        "auth-type-token-enabled": False, "auth-type-id-token-enabled": True, "auth-type-none-enabled": False,
        "auth-type-password-enabled": False, "auth-type-client-enabled": False, "auth-type-refresh-enabled": True,
    }
    return {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": {**parameters, **more}}


def ask(more):
    query = {"response_type": "code", "client_id": "client", "redirect_uri": CALLBACK, "scope": "openid", "nonce": "n"}
    location = call("GET", f"/oidc/auth?{urlencode({**query, **more})}").headers["Location"]
    if location.startswith(f"{ORIGIN}/login.html"):
        return "the sign-in page"
    answer = parse_qs(urlsplit(location).query)
    return " ".join(answer[name][0] for name in ("error", "error_description") if name in answer)


def look(what):
    discovery = json.load(call("GET", "/oidc/.well-known/openid-configuration"))
    named = discovery.get("code_challenge_methods_supported", ["nothing"])
    return [
        f"{what}, no challenge: {ask({})}",
        f"{what}, a challenge: {ask(CHALLENGE)}",
        f"{what}, discovery names: {' '.join(named)}",
    ]


def story():
    wait_until_it_listens()
    # Whom the packaged database brings.
    admitted = must(call("POST", "/auth", {"username": "admin", "password": "password"}))
    COOKIE["Cookie"] = admitted.headers["Set-Cookie"].split(";")[0]
    must(call("POST", "/client", {
        "client_id": "client", "name": "client", "confidential": True, "password": "a secret of both", "enabled": True,
        "redirect_uri": [CALLBACK], "authorization_type": ["code"], "scope": [],
    }))
    must(call("POST", "/mod/plugin", plugin({})))
    seen = look("as it comes")
    must(call("PUT", "/mod/plugin/oidc", plugin({"pkce-allowed": True})))
    must(call("PUT", "/mod/plugin/oidc/reset/"))
    return seen + look("pkce-allowed")


prepare()
with open("log", "w") as log:
    server = subprocess.Popen([ROOT / "usr/bin/glewlwyd", "-c", "glewlwyd.conf"], stdout=log, stderr=log)
try:
    seen = story()
finally:
    server.terminate()
    server.wait()
print("\n".join(seen))
sys.exit(0 if seen == [
    "as it comes, no challenge: the sign-in page",
    "as it comes, a challenge: invalid_request",
    "as it comes, discovery names: nothing",
    "pkce-allowed, no challenge: the sign-in page",
    "pkce-allowed, a challenge: the sign-in page",
    "pkce-allowed, discovery names: S256",
] else 1)
PY
LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu python3 ask.py
