"""A whole site for tests of pages: real files, real SQLite, the fake encoder; and pages that can be looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.accounts import Accounts
from bot.events import EventStore
from bot.models import RecordedQuestion, Ticket
from bot.people import Person, Role
from tests import built
from tests.people import accounts_over, database_with, somebody, token
from web.app import create_app
from web.auth import COOKIE
from web.desk import open_desk
from web.settings import Settings

#: The name and the content of a file that is sent.
File = tuple[str, bytes]

#: Stands in an internal article and nowhere else.
SECRET = "zanzibar"
#: Of an author and of an agent of every site.
AUTHOR, AGENT = "fl_token-of-the-authors", "fl_token-of-the-agents"

ARTICLES = {
    "en/accounts/reset-password.md": """---
id: reset-password
title: Reset a forgotten password
questions: [I forgot my password, how do I reset my password]
keywords: [login]
redirect_from: [forgotten-password, /old/help/password.html]
---
Reset it yourself in five minutes. ![A page](https://elsewhere.example/pixel.png) ![Steps](../../pictures/steps.svg)

## Reset it yourself

1. Open the password page and type your address.
2. Choose a new password.

### If it is refused

Choose a longer password.

## Reset it yourself

On a Mac the same steps apply.
""",
    "pl/accounts/reset-password.md": """---
id: reset-password
title: Resetowanie zapomnianego hasła
questions: [zapomniałem hasła]
---
Hasło zresetujesz samodzielnie w pięć minut.
""",
    "en/accounts/unlock-account.md": """---
id: unlock-account
title: Unlock a locked account
questions: [my account is locked]
---
After ten wrong passwords the account locks. Wait for thirty minutes.
""",
    "en/accounts/change-password.md": """---
id: change-password
title: Change your password before it expires
questions: [my password expires soon]
---
Press Ctrl+Alt+Delete and select the change of the password.
""",
    "en/accounts/two-factor.md": """---
id: two-factor
title: Set up two-step sign-in
questions: [how do I set up the authenticator]
---
Scan the square with the authenticator on your phone.
""",
    "en/network/vpn.md": """---
id: vpn
title: Connect to the VPN
questions: [how do I connect to the vpn]
---
Open the VPN client and select Connect.
""",
    "en/help-desk/what-we-do.md": """---
id: what-we-do
title: What the help desk does
---
<script>alert(1)</script><p onclick="alert(2)" style="color:red">We answer <img src=x onerror=alert(3)> questions.</p>
""",
    "en/internal/verify-caller.md": f"""---
id: verify-caller
title: Quixotic check of a caller ({SECRET})
audience: internal
questions: [how do I verify a caller, {SECRET}]
keywords: [{SECRET}]
redirect_from: [quixotic]
---
Ask for the {SECRET} word before you unlock anything.
""",
    "en/accounts/team-only.md": f"""---
id: team-only
title: Only for the identity team ({SECRET})
audience: identity-team
---
The {SECRET} password of the team.
""",
    "pictures/steps.svg": '<svg xmlns="http://www.w3.org/2000/svg"><style>a{fill:red}</style></svg>',
}

#: Beside ARTICLES, "printer offline" may mean either, and nothing says which.
TWO_PRINTERS = {
    f"en/printing/printer-{name.lower()}.md": f"""---
id: printer-{name.lower()}
title: The printer is offline
---
A printer that is offline on {name} prints again after two steps.

## Steps on {name}

Restart the printing of {name}, then the printer.
"""
    for name in ("Windows", "Mac")
}

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "circle", "path"}
)


@dataclass
class Element:
    """A tag with its attributes and all text within it, which is cut out of that of the page."""

    tag: str
    attrs: dict[str, str]
    page: list[str] = field(repr=False)
    begin: int
    end: int | None

    @property
    def text(self) -> str:
        return "".join(self.page[self.begin : self.end])


@dataclass
class Form:
    """A form as a browser would send it: every field with its value, buttons apart."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, *, button: str = "", **typed: str) -> dict[str, list[str]]:
        """What is sent with other words in some fields; `button` is the value of the one that is pressed."""
        data: dict[str, list[str]] = {}
        for name, value in [*self.fields, *(pair for pair in self.buttons if pair[1] == button)]:
            data.setdefault(name, []).append(value)
        return {**data, **{name: [value] for name, value in typed.items()}}


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.response, self.status, self.html = response, response.status_code, response.text
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self._open: list[Element] = []
        self._text: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        here = len(self._text)
        element = Element(tag, {name: value or "" for name, value in attrs}, self._text, here, here)
        self.elements.append(element)
        if tag not in _VOID:
            element.end = None
            self._open.append(element)
        if tag == "form":
            self.forms.append(Form(element.attrs.get("action", ""), element.attrs.get("method", "get")))
        elif tag == "option" and self._inside("select") and self._inside("form"):
            (chosen,) = [one for one in self._open if one.tag == "select"]
            known = dict(self.forms[-1].fields)
            if "selected" in element.attrs or chosen.attrs["name"] not in known:  # else the first one
                self.forms[-1].fields = [pair for pair in self.forms[-1].fields if pair[0] != chosen.attrs["name"]]
                self.forms[-1].fields.append((chosen.attrs["name"], element.attrs.get("value", "")))
        elif tag == "input" and element.attrs.get("type") == "file":
            pass  # what a browser sends of it is given with `files`
        elif tag == "input" and self._inside("form") and "name" in element.attrs:
            self.forms[-1].fields.append((element.attrs["name"], element.attrs.get("value", "")))
        elif tag == "button" and self._inside("form") and "name" in element.attrs:
            self.forms[-1].buttons.append((element.attrs["name"], element.attrs.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            closed = self._open.pop()
            closed.end = len(self._text)
            if closed.tag == tag:
                break
        if tag == "textarea" and self._inside("form"):
            # A browser drops the first line end of a text area.
            self.forms[-1].fields.append((closed.attrs["name"], closed.text.removeprefix("\n")))

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def _inside(self, tag: str) -> bool:
        return any(element.tag == tag for element in self._open)

    def all(self, tag: str, **attrs: str) -> list[Element]:
        """Elements of a tag whose attributes contain these words (`cls` is `class`)."""
        wanted = {("class" if name == "cls" else name.replace("_", "-")): value for name, value in attrs.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag and all(v in element.attrs.get(n, "").split() for n, v in wanted.items())
        ]

    def one(self, tag: str, **attrs: str) -> Element:
        (found,) = self.all(tag, **attrs)
        return found

    def form(self, action: str) -> Form:
        (found,) = [form for form in self.forms if form.method == "post" and re.split("[?#]", form.action)[0] == action]
        return found

    @property
    def title(self) -> str:
        return " ".join(self.one("h1").text.split())

    @property
    def main(self) -> str:
        return " ".join(self.one("main").text.split())

    @property
    def links(self) -> list[str]:
        return [element.attrs["href"] for element in self.all("a") if "href" in element.attrs]


@dataclass
class Site:
    """The running application and what it keeps."""

    app: FastAPI
    client: TestClient

    def get(self, address: str, **headers: str) -> Page:
        return Page(self.client.get(address, headers={name.replace("_", "-"): v for name, v in headers.items()}))

    def post(self, address: str, data: dict[str, Any], *, files: Sequence[File] = (), **headers: str) -> Page:
        """Posts a form, with `files` as multipart: their names and contents, in a field `attachments`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        attached = [("attachments", (name, content)) for name, content in files]
        return Page(self.client.post(address, data=data, files=attached or None, headers=named))

    @property
    def accounts(self) -> Accounts:
        known: Accounts = self.app.state.accounts
        return known

    def sign_in(self, *roles: Role, groups: tuple[str, ...] = ()) -> Person:
        """Has the browser be signed in as somebody with these roles."""
        person = somebody(self.accounts, *roles, groups=groups)
        self.hold(self.accounts.start(person, "testclient"))
        return person

    def hold(self, secret: str) -> None:
        """Has the browser bring a cookie of somebody who is signed in."""
        self.client.cookies.set(COOKIE, secret, domain="help.example", path="/")

    def sign_out(self) -> None:
        with suppress(KeyError):
            self.client.cookies.delete(COOKIE, domain="help.example", path="/")

    @property
    def events(self) -> EventStore:
        store: EventStore = self.app.state.desk.events
        return store

    @property
    def questions(self) -> list[RecordedQuestion]:
        return list(self.events.questions())

    def set_clock(self, now: datetime) -> None:
        """Has it be `now` for everything that asks the desk what time it is."""
        self.app.state.desk = replace(self.app.state.desk, now=lambda: now)

    def outcomes(self) -> list[tuple[str, str]]:
        """(outcome, article) of everything that was said about answers."""
        kept = self.events.outcomes([question.id for question in self.questions])
        return [(outcome.outcome, outcome.article_id) for rows in kept.values() for _, outcome in rows]

    def ticket(self, address: str) -> Ticket:
        """The ticket whose confirmation is at this address."""
        found: Ticket = self.app.state.desk.ticket(address.partition("?")[0].rpartition("/")[2])
        return found

    def tickets(self) -> int:
        with self.app.state.engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM tickets").scalar_one())

    def break_database(self) -> None:
        """Has every write and read of tickets fail, as on a broken disk."""
        with self.app.state.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE tickets")


def build_site(folder: Path, articles: dict[str, str]) -> Path:
    """Indexes some articles with the fake encoder; the data folder."""
    for name, text in articles.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    data = folder / "data"
    built.index(folder / "articles", data)
    return data


@contextmanager
def open_site(folder: Path, articles: dict[str, str], **given: Any) -> Iterator[Site]:
    """A site over some articles; `given` are settings. Its forms may be sent as soon as they are there.

    Nobody types as fast as a test: what is asked has no limit.
    """
    usual = {"data": build_site(folder, articles), "form_min_seconds": 0, "rate_questions": ""}
    settings = Settings(**{**usual, **given})
    tokens: dict[str, Role] = {AUTHOR: "author", AGENT: "agent"}
    if not settings.database_url:
        database_with(settings.data / "firstline.db", tokens)
    desk, engine = open_desk(settings)
    accounts = accounts_over(engine)
    app = create_app(settings, desk, engine, accounts)
    if settings.database_url:
        for secret, role in tokens.items():
            token(accounts, role, secret=secret)
    with TestClient(app, follow_redirects=False, base_url="http://help.example") as client:
        yield Site(app, client)
