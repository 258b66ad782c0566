"""What schemathesis cannot make up by itself: credentials, a token, a redirect URI that is good.

Loaded by schemathesis (SCHEMATHESIS_HOOKS). FUZZ holds as JSON:

    resource     what tokens are for
    machine      id and secret of a client that acts for itself
    asks         id and secret of one that may ask about tokens
    token        an access token of the machine
    report       a file for what came of it: how often each endpoint gave each status, and the secrets
                 that were issued, for the check that no log holds them

Most requests come from an address of their own, as behind a proxy, so that the limit on wrong
secrets (OA-8) leaves something to try; every tenth does not, and is soon slowed down.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
from collections import Counter
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import schemathesis

SETTING: dict[str, Any] = json.loads(os.environ["FUZZ"])
CREDENTIALS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
REDIRECTS = ["https://app.example.com/callback", "http://127.0.0.1:6274/callback"]

numbers = count()
turns = cycle(range(10))
#: Requests in which nothing is left that a server could refuse.
flawless: set[str] = set()
answers: Counter[str] = Counter()
issued: list[str] = []


@schemathesis.check
def flawless_is_taken(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Whatever else was made up."""
    assert case.id not in flawless or response.status_code == 200, response.status_code


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response
) -> None:
    """Keeps account."""
    answers[f"{response.request.method} {case.path} {response.status_code}"] += 1
    if response.request.method == "POST" and response.status_code in (200, 201) and response.content:
        body = response.json()
        issued.extend(body[name] for name in ("access_token", "client_secret") if name in body)


@atexit.register
def report() -> None:
    Path(SETTING["report"]).write_text(json.dumps({"answers": answers, "issued": issued}))


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]
) -> None:
    """Each turn leaves another part as it was made up."""
    turn = next(turns)
    if turn:
        case.headers["X-Forwarded-For"] = address(next(numbers))
    if case.method.upper() != "POST" or turn in (0, 9):
        return
    if case.path == "/register":
        mend_registration(case, turn)
    else:
        mend_form(case, turn)


def address(number: int) -> str:
    """Another network for each number, and another site for each few."""
    return f"{20 + number % 60}.{number // 60 % 250}.{number % 251}.{number % 241}"


def is_meant_well(case: schemathesis.Case) -> bool:
    """Whether the request fits the description, so that the server has to take it."""
    return case.meta is not None and case.meta.generation.mode.is_positive


def mend_registration(case: schemathesis.Case, turn: int) -> None:
    if is_meant_well(case) and isinstance(case.body, dict) and turn < 7:
        case.body["redirect_uris"] = REDIRECTS[: 1 + turn % 2]


def mend_form(case: schemathesis.Case, turn: int) -> None:
    """Names a client that there is, in the body or, without touching that, by HTTP Basic."""
    client = SETTING["asks" if case.path == "/introspect" else "machine"]
    if not is_meant_well(case) or not isinstance(case.body, dict) or turn % 2:
        case.headers["Authorization"] = basic(client)
        if not is_meant_well(case) or not isinstance(case.body, dict):
            return
        for name in CREDENTIALS:
            case.body.pop(name, None)
    else:
        for name in CREDENTIALS:
            case.body.pop(name, None)
        case.body.update(client_id=client["id"], client_secret=client["secret"])
    if mend_request(case.body, turn) and "\\u0000" not in json.dumps(case.body):
        flawless.add(case.id)


def mend_request(body: dict[str, Any], turn: int) -> bool:
    """Whether all of it is good now."""
    if "token" in body:
        if turn < 5:
            body["token"] = SETTING["token"] if turn < 3 else "nobody-knows-this-token"
        return turn < 5
    if body.get("grant_type") != "client_credentials" or turn > 6:
        return False
    body["resource"] = SETTING["resource"]
    if turn < 5:
        body["scope"] = "mcp:read"
    return turn < 5


def basic(client: dict[str, str]) -> str:
    """RFC 6749 §2.3.1."""
    pair = f"{quote_plus(client['id'])}:{quote_plus(client['secret'])}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
