#!/usr/bin/env bash
# PyPI pysaml2 7.5.5 with Debian's xmlsec1 1.2.37, as an identity provider.
#
# An identity provider that is told to sign, and not with what, signs with RSA-SHA1 and digests with
# SHA-1. The two settings against it, `signing_algorithm` and `digest_algorithm`, are looked for in
# `service.idp` only: at the top of the configuration, where the other settings about keys are
# (`key_file`, `cert_file`, `xmlsec_binary`), they are accepted and ignored without a word.
#
# So an operator who has switched SHA-256 on may find service providers still refusing SHA-1.
#
# Expected output:
#   as it comes: rsa-sha1, sha1
#   set at the top: rsa-sha1, sha1
#   set in service.idp: rsa-sha256, sha256
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# xmlsec1 in this directory, whatever the system has.
apt-get -q download xmlsec1=1.2.37-2 libxmlsec1=1.2.37-2 libxmlsec1-openssl=1.2.37-2 >/dev/null 2>&1
for package in *.deb; do dpkg-deb -x "$package" xmlsec; done
LD_LIBRARY_PATH=$(dirname "$(find "$work/xmlsec" -name 'libxmlsec1.so.1')")
export LD_LIBRARY_PATH

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pysaml2==7.5.5 cryptography==50.0.2 pyOpenSSL==26.4.0 xmlschema==2.5.1
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /CN=idp -keyout idp.key -out idp.crt 2>/dev/null

cat >sp.xml <<'XML'
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example/">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="0"/>
  </SPSSODescriptor>
</EntityDescriptor>
XML

cat >sign.py <<'PY'
import re
import sys
from pathlib import Path

from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.server import Server

SHA256 = {
    "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
}


def algorithms(top, idp):
    """What signs an answer of a provider with these settings."""
    config = {
        "entityid": "https://idp.example/",
        "key_file": "idp.key",
        "cert_file": "idp.crt",
        "xmlsec_binary": str(Path("xmlsec/usr/bin/xmlsec1").resolve()),
        "metadata": {"local": ["sp.xml"]},
        "service": {"idp": {"endpoints": {}, "sign_response": True, **idp}},
        **top,
    }
    answer = Server(config=IdPConfig().load(config)).create_authn_response(
        {"uid": ["ada"]},
        in_response_to="_1",
        destination="https://sp.example/acs",
        sp_entity_id="https://sp.example/",
        userid="ada",
        authn={"class_ref": PASSWORD},
    )
    found = re.findall(r'(?:SignatureMethod|DigestMethod) Algorithm="[^"]*#([^"]*)"', str(answer))
    return ", ".join(found)


seen = [
    f"as it comes: {algorithms({}, {})}",
    f"set at the top: {algorithms(SHA256, {})}",
    f"set in service.idp: {algorithms({}, SHA256)}",
]
print("\n".join(seen))
expected = [
    "as it comes: rsa-sha1, sha1",
    "set at the top: rsa-sha1, sha1",
    "set in service.idp: rsa-sha256, sha256",
]
sys.exit(0 if seen == expected else 1)
PY
venv/bin/python -W ignore sign.py
