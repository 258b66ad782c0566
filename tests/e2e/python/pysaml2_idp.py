"""A SAML identity provider on pysaml2, at PORT on loopback.

Everything that people could set about it is in SETTINGS, a file of JSON that is looked at for each
request: `config` goes to pysaml2 as it is, `people` have passwords and attributes. Service providers
are known by the metadata that lie in its directory.
"""

import json
import os
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import parse_qsl, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.server import Server

SETTINGS = Path(os.environ["SETTINGS"])
BINDINGS = {"GET": BINDING_HTTP_REDIRECT, "POST": BINDING_HTTP_POST}

# What each person is called at each service provider: it has to outlive a change of the settings.
NAMES = {}

# Requests whose people are just about to give their password.
WAITING = {}


def provider():
    """The provider as the settings have it now."""
    return made(SETTINGS.read_text(), tuple(sorted(map(str, SETTINGS.parent.glob("*.xml")))))


@lru_cache(maxsize=1)
def made(settings, metadata):
    return Provider(**json.loads(settings), metadata=metadata)


class Provider:
    def __init__(self, config, people, metadata):
        if metadata:
            config["metadata"] = {"local": list(metadata)}
        self.people = people
        self.config = IdPConfig().load(config)
        self.server = Server(config=self.config)
        self.server.ident.db = NAMES

    def metadata(self):
        return str(entity_descriptor(self.config))

    def request(self, binding, fields):
        """Whoever asks, if the request is good."""
        return self.server.parse_authn_request(
            fields["SAMLRequest"],
            binding,
            relay_state=fields.get("RelayState"),
            sigalg=fields.get("SigAlg"),
            signature=fields.get("Signature"),
        ).message

    def answer(self, message, username, relay_state):
        """A page that carries what we say about a person to whoever asked."""
        arguments = self.server.response_args(message, bindings=[BINDING_HTTP_POST])
        response = self.server.create_authn_response(
            self.people[username]["attributes"],
            userid=username,
            authn={"class_ref": PASSWORD, "authn_auth": self.config.entityid},
            **{name: arguments[name] for name in ("in_response_to", "destination", "sp_entity_id", "name_id_policy")},
        )
        binding = arguments["binding"]
        page = self.server.apply_binding(binding, str(response), arguments["destination"], relay_state, response=True)
        return page["data"]


def sign_in_form(ticket):
    """Asks for a name and a password."""
    return f"""<!doctype html><title>Company sign-in</title><form method="post" action="/login">
        <input type="hidden" name="ticket" value="{ticket}">
        <input name="username" required><input type="password" name="password" required>
        <button type="submit">Sign in</button></form>"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/metadata":
            self.show(200, provider().metadata(), "application/samlmetadata+xml")
        elif url.path == "/sso":
            self.ask(dict(parse_qsl(url.query)))
        else:
            self.show(404, "There is nothing here.")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        fields = dict(parse_qsl(body))
        if self.path == "/sso":
            self.ask(fields)
        elif self.path == "/login":
            self.log_in(fields)
        else:
            self.show(404, "There is nothing here.")

    def ask(self, fields):
        binding = BINDINGS[self.command]
        provider().request(binding, fields)
        ticket = token_urlsafe()
        WAITING[ticket] = (binding, fields)
        self.show(200, sign_in_form(ticket))

    def log_in(self, fields):
        binding, request = WAITING[fields["ticket"]]
        now = provider()
        person = now.people.get(fields["username"])
        if person is None or person["password"] != fields["password"]:
            self.show(401, "That is not right.")
        else:
            message = now.request(binding, request)
            self.show(200, now.answer(message, fields["username"], request.get("RelayState", "")))

    def show(self, status, text, kind="text/html; charset=utf-8"):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
