"""A person with a browser, for the Python client: cookies, redirects, and the two forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

MOST_STEPS = 30


@dataclass
class Form:
    """One form of a page: where it goes, what it carries, and its submit buttons."""

    action: str
    inputs: list[dict[str, str | None]] = field(default_factory=list)
    buttons: list[dict[str, str | None]] = field(default_factory=list)

    def offers(self, name: str, value: str) -> bool:
        """Whether the form has this button."""
        return any(b.get("name") == name and b.get("value") == value for b in self.buttons)

    def fill(self, tick: str) -> list[tuple[str, str]]:
        """What the browser would send, without the button."""
        return [
            (str(entry["name"]), str(entry.get("value") or "on"))
            for entry in self.inputs
            if entry.get("name") and "disabled" not in entry and _is_sent(entry, tick)
        ]


def _is_sent(entry: dict[str, str | None], tick: str) -> bool:
    if entry.get("type") != "checkbox":
        return True
    return tick == "all" or "checked" in entry


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.found.append(Form(attributes.get("action") or ""))
            self._open = True
        elif tag == "input" and self._open:
            self.found[-1].inputs.append(attributes)
        elif tag == "button" and self._open:
            self.found[-1].buttons.append(attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def forms(html: str) -> list[Form]:
    """The page's forms."""
    parser = _Forms()
    parser.feed(html)
    return parser.found


class Person:
    """Signs in as `user` and gives what `ticks` says: one entry for each time they are asked."""

    def __init__(self, user: str, ticks: list[str]) -> None:
        self._user = user
        self._ticks = ticks
        self._browser = httpx2.Client(follow_redirects=False)
        self.codes: list[str] = []

    def authorize(self, start: str) -> dict[str, str]:
        """Walks from the authorization URL back to the client; its redirect's parameters."""
        target = parse_qs(urlsplit(start).query)["redirect_uri"][0]
        tick = self._ticks.pop(0)
        response = self._browser.get(start)
        for _ in range(MOST_STEPS):
            location = response.headers.get("location")
            if location is None:
                response = self._decide(response, tick)
                continue
            to = urljoin(str(response.url), location)
            if to.startswith(f"{target}?"):
                back = {name: values[0] for name, values in parse_qs(urlsplit(to).query).items()}
                self.codes.append(back["code"])
                return back
            response = self._browser.get(to)
        raise AssertionError(f"more than {MOST_STEPS} steps from {start}")

    def _decide(self, page: httpx2.Response, tick: str) -> httpx2.Response:
        for name, value in (("user", self._user), ("decision", "allow")):
            for form in forms(page.text):
                if form.offers(name, value):
                    fields = [*form.fill(tick), (name, value)]
                    return self._submit(page, form, fields)
        raise AssertionError(f"nothing to click on {page.url} ({page.status_code})")

    def _submit(self, page: httpx2.Response, form: Form, fields: list[tuple[str, str]]) -> httpx2.Response:
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        parts = urlsplit(str(page.url))
        origin = f"{parts.scheme}://{parts.netloc}"
        return self._browser.post(urljoin(str(page.url), form.action), data=data, headers={"origin": origin})
