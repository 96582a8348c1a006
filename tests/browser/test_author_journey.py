"""The whole way of a gap: twelve people ask in vain, an author writes in git, and the next one who asks is answered."""

from __future__ import annotations

import hmac
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import APIRequestContext, Browser, BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

from kb.build import BuildSettings, build
from tests.bot.publishing.desk import Forge, git
from tests.browser.conftest import DESKTOP, Watch
from tests.browser.help_centre import HelpCentre, help_centre
from tests.built import CREATED
from tests.conftest import PROJECT
from tests.people import PASSWORD
from web.cli import app

pytestmark = pytest.mark.browser

#: What the desk has articles on; what these link to is there too.
_ON = ("printing/paper-jam", "security/usb-sticks")
_LINK = re.compile(r"\]\(([^)#:\s]+\.(?:md|svg))")
_ENTRIES = re.compile(r"^(?:questions|not_for):\n(?:  - .*\n)+", re.MULTILINE)
_ANSWERED = ("a sheet is stuck inside the copier", "my laptop is slow", "I found a USB stick")

#: Articles on USB sticks "found in the car park" and on meeting rooms to book come near, and help nobody.
BY_API = (
    "I need a parking permit for the staff car park",
    "How do I book a parking space at the office?",
    "Can I reserve a parking spot for next Tuesday?",
    "My visitor comes by car, where can she park?",
    "Parking card for the company garage",
    "What does a parking space at work cost?",
    "Who do I ask for a place in the office car park?",
    "Is the car park open on Saturdays?",
)
BY_PAGE = ("Where can I park my car when I come to work?", "Is there a car park for employees?")
WITH_TICKET = ("Waiting list for a parking place?", "My badge does not open the barrier of the car park")
ALL = (*BY_API, *BY_PAGE, *WITH_TICKET)
NEVER_ASKED = "I drive to headquarters tomorrow, is there a garage?"

TITLE = "Park your car at the office"
TEXT = """
The garage under the office has 80 parking spaces for employees and visitors. Book one for a day, or ask for a permit if
you drive to work most days.

## Book a parking space for a day

1. Open the **Workplace** app and choose **Parking**.
2. Choose the day and write the number plate of your car. You can reserve up to 14 days ahead.
3. Select **Book**. A green tick appears, and the barrier of the car park lets your car in on that day.

If no space is left, select **Tell me**. You get an e-mail as soon as somebody gives theirs back.

## Get a parking permit

1. In **Parking**, select **Ask for a permit**.
2. Your manager agrees with one click. The workplace team then writes to you within two working days.

A permit costs 40 euros a month, taken from your pay. A day costs nothing. All permits taken? You are put on the waiting
list, and the app shows your place on it.

## Bring a visitor

Book a space in the same way and select **For a visitor**. Your visitor gets the way to the garage by e-mail.

## When the car park is open

Every day from 6:00 to 22:00, on Saturdays and Sundays too. You can always drive out.

## If the barrier stays closed

The barrier reads your number plate. Drive up slowly. If it stays closed, hold your badge to the reader. If your badge
does not open it either, press the button with the bell; the guard looks up your booking and opens.
"""

SECRET = "a-secret-of-the-desk"
#: A machine that is busy with other tests may take so long to fetch, check, build and test.
_PUBLISHED_MS = 240_000
#: How often a page that does not tell news by itself is loaded again, and how long it is looked at each time.
_LOOKS, _LOOK_MS = 120, 500


@dataclass(frozen=True, slots=True)
class Desk:
    """A help centre that publishes from a forge, and whoever opens its pages."""

    server: HelpCentre
    forge: Forge
    visitor: Callable[[], BrowserContext]


@pytest.fixture
def desk(browser: Browser, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The real encoder, and a part of our own articles: all that the desk knows lies in a repository.

    Commands find it by the environment.
    """
    forge, data = Forge(tmp_path / "forge"), tmp_path / "data"
    _copy_articles(forge.checkout / "docs")
    forge.push({}, "The articles we have")
    (data / "cache").mkdir(parents=True)
    (data / "cache" / "encoders").symlink_to(encoder_folder.parent, target_is_directory=True)
    (data / "cache" / "vectors.db").symlink_to(PROJECT / "build" / "vectors.db")
    build(forge.checkout / "docs", data, BuildSettings(), created=CREATED)
    settings = {
        "FIRSTLINE_ARTICLES": str(forge.checkout / "docs"),
        "FIRSTLINE_ARTICLES_REMOTE": str(forge.remote),
        "FIRSTLINE_ARTICLES_BRANCH": "main",
        "FIRSTLINE_ARTICLES_PATH": "docs",
        "FIRSTLINE_PUSH_SECRET": SECRET,
    }
    with help_centre(data, tmp_path, "", settings) as server, ExitStack() as contexts:
        mine = {"FIRSTLINE_DATA": str(data), "FIRSTLINE_DATABASE_URL": f"sqlite:///{server.database}"}
        for name, value in {**settings, **mine}.items():
            monkeypatch.setenv(name, value)
        watch = Watch({server.base})

        def visitor() -> BrowserContext:
            return contexts.enter_context(_watched(browser, server.base, watch))

        yield Desk(server, forge, visitor)
        contexts.close()
        assert watch.unexpected() == []


@contextmanager
def _watched(browser: Browser, base: str, watch: Watch) -> Iterator[BrowserContext]:
    """A browser of somebody's own: what they ask is nobody else's second question."""
    context = browser.new_context(base_url=base, viewport=DESKTOP, reduced_motion="reduce")
    watch.begin(context)
    yield context
    context.close()


def _copy_articles(target: Path) -> None:
    source = PROJECT / "articles"
    left, done = [source / "en" / f"{name}.md" for name in _ON], set[Path]()
    while left:
        path = left.pop()
        if path in done:
            continue
        done.add(path)
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            left += [(path.parent / link).resolve() for link in _LINK.findall(text)]
            # Their questions are asked of all our articles; of a few of them some come first by a hair's breadth.
            copy.write_text(_ENTRIES.sub("", text), encoding="utf-8")
        else:
            shutil.copyfile(path, copy)


def _firstline(*arguments: str) -> str:
    """What a command prints; it must end well."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def _ask(people: APIRequestContext, question: str) -> dict[str, Any]:
    asked = people.post("/api/v1/ask", data={"question": question, "lang": "en"})
    reply: dict[str, Any] = asked.json()
    return reply


def _first(reply: dict[str, Any]) -> str:
    """The id of the answer, or of the first suggestion."""
    shown = [*([reply["answer"]] if reply["answer"] else []), *reply["suggestions"]]
    return str(shown[0]["article_id"]) if shown else ""


def _did_not_help(people: APIRequestContext, reply: dict[str, Any]) -> None:
    said = people.post(f"/api/v1/questions/{reply['id']}/outcome", data={"outcome": "not_solved"})
    assert said.status == 204


def _search(visitor: BrowserContext, question: str) -> Page:
    """Somebody looks for it in the help centre, and whatever they find does not help."""
    page = visitor.new_page()
    page.goto(f"/search?q={question}")
    useless = page.get_by_role("main").get_by_role("button", name=re.compile("None of these helped|It did not help"))
    if useless.count():
        useless.click()
    expect(page.get_by_role("main").get_by_role("link", name="Send a ticket")).to_be_visible()
    return page


def _send_ticket(page: Page, question: str, email: str) -> None:
    page.get_by_role("main").get_by_role("link", name="Send a ticket").click()
    expect(page.get_by_label("Subject")).to_have_value(question)
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Description").fill("I start on Monday and come by car.")
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your ticket is sent")


def _until(page: Page, shown: Locator) -> None:
    """Loads a page again and again until it shows something."""
    for _ in range(_LOOKS):
        try:
            expect(shown).to_be_visible(timeout=_LOOK_MS)
        except AssertionError:
            page.reload()
        else:
            return
    expect(shown).to_be_visible()


def _written(draft: str) -> tuple[list[str], str]:
    """The article that an author makes of a draft, and its questions: they stay the words of those who asked."""
    front = yaml.safe_load(draft.split("---\n")[1])
    assert front["status"] == "draft"
    assert len(front["questions"]) >= len(ALL) // 2
    assert set(front["questions"]) <= set(ALL)
    front |= {"title": TITLE, "status": "published", "owner": "workplace-team", "keywords": ["car park", "garage"]}
    return front[
        "questions"
    ], f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=10_000)}---\n{TEXT}"


def _tell_of_push(forge: APIRequestContext, commit: str) -> None:
    """Delivers what GitHub would."""
    body = json.dumps({"ref": "refs/heads/main", "after": commit, "deleted": False}).encode()
    signature = f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}"
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": signature, "Content-Type": "application/json"}
    assert forge.post("/api/v1/webhooks/push", data=body, headers=headers).status == 202


def test_what_twelve_people_ask_in_vain_is_one_gap_until_an_author_publishes_an_article_that_answers_them_all(
    desk: Desk,
) -> None:
    people, forge = desk.visitor().request, desk.forge
    for question in _ANSWERED:
        assert _ask(people, question)["decision"] == "answer"
    for question in BY_API:
        if (reply := _ask(people, question))["decision"] != "unanswered":
            _did_not_help(people, reply)
    for question in BY_PAGE:
        _search(desk.visitor(), question)
    for number, question in enumerate(WITH_TICKET):
        _send_ticket(_search(desk.visitor(), question), question, f"kim{number}@example.com")

    author = desk.visitor().new_page()
    author.goto("/authors")
    author.get_by_label("Your e-mail address").fill("author@example.com")
    author.get_by_label("Password").fill(PASSWORD)
    author.get_by_role("button", name="Sign in").click()
    _until(author, author.get_by_role("heading", name="1 gap · asked 12 times"))
    nearest = author.get_by_role("row").nth(1).get_by_role("cell").last
    expect(nearest.get_by_role("link")).to_be_in_viewport(ratio=1)  # the whole table is seen on a desktop
    author.get_by_role("table").get_by_role("link", name=re.compile("|".join(map(re.escape, ALL)))).click()
    expect(author.get_by_text("asked 12 times · 2 tickets")).to_be_visible()
    told = author.get_by_role("region", name="What people asked").get_by_role("listitem")
    assert sorted(told.all_inner_texts()) == sorted(ALL)
    gap = author.url.rpartition("/")[2]

    draft = json.loads(_firstline("gaps", "draft", gap, "--json"))
    git(forge.checkout, "switch", "-q", draft["branch"])
    path = forge.checkout / "docs" / draft["path"]
    questions, article = _written(path.read_text(encoding="utf-8"))
    path.write_text(article, encoding="utf-8")
    git(forge.checkout, "commit", "-q", "-a", "-m", "Say where to park")
    assert _firstline("check", "--strict").endswith(": 0 errors, 0 warnings\n")
    tested = _firstline("test", "--base", "origin/main")
    assert re.search(rf"Against origin/main \(\w+\): {len(questions)} new\nPasses\n\Z", tested)  # and nothing is worse
    git(forge.checkout, "switch", "-q", "main")
    git(forge.checkout, "merge", "-q", "--no-ff", "-m", "Where to park", draft["branch"])
    commit = forge.push({}, "Publish where to park")

    author.goto("/authors/publishing")
    live = author.get_by_role("region", name="What readers see")
    expect(live).not_to_contain_text("Publish where to park")
    _tell_of_push(people, commit)
    author.reload()
    expect(live).to_contain_text("Publish where to park", timeout=_PUBLISHED_MS)
    expect(live).to_contain_text(commit[:7])

    author.goto(f"/authors/gaps/{gap}")
    _until(author, author.get_by_text("Closed by this article:"))
    expect(author.get_by_role("region", name="Status").get_by_role("link", name=TITLE)).to_be_visible()
    expect(author.get_by_text("by itself · Closed by itself: an article answers it")).to_be_visible()
    replies = {question: _ask(people, question) for question in (*ALL, NEVER_ASKED)}
    assert {question: _first(reply) for question, reply in replies.items()} == dict.fromkeys(replies, path.stem)
    for question in _ANSWERED:
        assert _ask(people, question)["decision"] == "answer"
    page = desk.visitor().new_page()
    page.goto(f"/search?q={NEVER_ASKED}")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()

    # One whom the article does not help is counted, and opens nothing: that takes three.
    _did_not_help(people, replies[ALL[0]])
    _until(author, author.get_by_text("asked 13 times"))
    expect(author.get_by_role("region", name="Status")).to_contain_text("Closed by this article:")
    author.goto("/authors")
    expect(author.get_by_role("heading", name="No open gaps")).to_be_visible()
