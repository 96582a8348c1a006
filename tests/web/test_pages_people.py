"""Accounts and people: what each may change, and what only an administrator may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.accounts import By
from tests.people import PASSWORD, somebody, with_password
from tests.web.site import ARTICLES, Site, open_site

NASTY = '<script>alert(1)</script> & "Kim"'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("people"), ARTICLES) as opened:
        yield opened


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    yield shared
    shared.sign_out()


@pytest.fixture
def admin(site: Site) -> Site:
    site.sign_in("admin")
    return site


PAGES = ("/people", "/people/add", "/people/audit", "/people/none")


@pytest.mark.parametrize("address", [*PAGES, "/account"])
def test_without_signing_in_no_page_of_people_opens(site: Site, address: str) -> None:
    assert site.get(address).response.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("address", PAGES)
def test_only_an_administrator_sees_people(site: Site, address: str) -> None:
    site.sign_in("agent", groups=("identity-team",))
    assert site.get(address).status == 403
    if address in ("/people/add", "/people/none"):
        assert site.post(address, {"email": "x@example.com", "name": "X", "role": "admin"}).status == 403
        assert site.post("/people/none/active", {"active": "no"}).status == 403
        assert site.post("/people/none/link", {"": ""}).status == 403
    assert site.accounts.store.by_email("x@example.com") is None


# --- people --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/people", "/people/audit"])
def test_a_page_behind_the_last_one_leads_to_the_last_one(admin: Site, address: str) -> None:
    reply = admin.get(f"{address}?text=example&page=9")
    assert (reply.status, reply.response.headers["location"]) == (303, f"{address}?text=example")
    assert admin.get(f"{address}?text=nobody-of-this-name&page=9").response.headers["location"].endswith("name")


def test_an_administrator_adds_a_person_who_then_joins(admin: Site) -> None:
    form = admin.get("/people/add").form("/people/add")
    wrong = admin.post("/people/add", form.filled(email="kim", name=NASTY, groups="internal"))
    assert wrong.status == 422
    assert [link for link in wrong.links if link.startswith("#fl-")][1:] == ["#fl-email", "#fl-groups"]
    assert wrong.one("input", id="fl-name").attrs["value"] == NASTY
    given = form.filled(email="kim@example.com", name=NASTY, groups=" identity-team, ") | {"role": ["agent", "author"]}
    added = admin.post("/people/add", given)
    assert added.status == 200
    link = added.one("input", id="fl-address").attrs["value"]
    assert re.fullmatch(r"http://help\.example/welcome/[\w-]{43}", link)
    assert "seven days" in added.main
    person = admin.accounts.named("kim@example.com")
    assert (person.roles, person.groups, person.name) == ({"agent", "author"}, {"identity-team"}, NASTY)
    assert admin.post("/people/add", given).status == 422

    listed = admin.get("/people?text=KIM&kind=author")
    assert NASTY in listed.main
    assert "invited" in listed.main
    assert admin.get("/people?text=kim&kind=reader").main.count("kim@example.com") == 0
    log = admin.get("/people/audit?kind=person_added&text=kim")
    assert "roles: agent, author; groups: identity-team" in log.main
    assert "1 entry" in log.main


def test_roles_are_taken_away_and_a_person_is_deactivated_and_let_in_again(admin: Site) -> None:
    person = with_password(admin.accounts, somebody(admin.accounts, "agent", email="lee@example.com"))
    address = f"/people/{person.id}"
    form = admin.get(address).form(address)
    assert (
        admin.post(address, form.filled() | {"role": ["reader"]}).response.headers["location"]
        == f"{address}?done=saved"
    )
    assert admin.accounts.named("lee@example.com").roles == {"reader"}
    reset = admin.post(f"{address}/link", {"": ""})
    assert "24 hours" in reset.main
    assert admin.post(f"{address}/active", {"active": "no"}).status == 303
    page = admin.get(address)
    assert "They cannot sign in" in page.main
    assert admin.post("/sign-in", {"email": "lee@example.com", "password": PASSWORD}).status == 403
    assert admin.post(f"{address}/link", {"": ""}).status == 422
    assert admin.post(f"{address}/active", {"active": "yes"}).status == 303
    assert admin.accounts.named("lee@example.com").active
    assert admin.get("/people/none").status == 404


def test_the_last_administrator_can_neither_go_nor_step_down(admin: Site) -> None:
    me = admin.accounts.named("admin@example.com")
    for path, data in (
        (f"/people/{me.id}/active", {"active": "no"}),
        (f"/people/{me.id}", {"name": "A", "role": "agent"}),
    ):
        page = admin.post(path, data)
        assert page.status == 409
        assert "This is the last administrator" in page.one("div", cls="summary").text
    assert admin.get("/people").status == 200


# --- one's own account ---------------------------------------------------------------------------------------------


def test_name_and_language_are_one_s_own(site: Site) -> None:
    person = site.sign_in("reader", groups=("own",))
    form = site.get("/account").form("/account")
    assert site.post("/account", form.filled(name=" ", lang="pl")).status == 422
    assert site.post("/account", form.filled(name="Zoë", lang="pl")).status == 303
    assert site.accounts.store.person(person.id).name == "Zoë"
    assert site.get("/account").one("html").attrs["lang"] == "pl"
    assert site.get("/account?lang=de").one("html").attrs["lang"] == "de"


def test_a_password_is_changed_with_the_old_one_and_others_are_signed_out(site: Site) -> None:
    person = with_password(site.accounts, site.sign_in("author", groups=("own",)))
    site.sign_in("author", groups=("own",))
    site.accounts.start(person, "192.0.2.9")
    form = site.get("/account").form("/account/password")
    assert "192.0.2.0/24" in site.get("/account").main
    wrong = site.post("/account/password", form.filled(old="wrong", password="short"))
    assert (wrong.status, "This is not your password." in wrong.main) == (422, True)
    assert site.post("/account/password", form.filled(old=PASSWORD, password="another one of mine")).status == 303
    assert len(site.accounts.store.sessions(person.id)) == 1
    assert site.get("/account?done=password").status == 200
    assert site.post("/account/sign-out", {"": ""}).response.headers["location"] == "/sign-in"
    assert site.accounts.store.sessions(person.id) == ()


def test_a_token_is_made_shown_once_used_and_revoked(site: Site) -> None:
    site.sign_in("agent", groups=("own",))
    page = site.get("/account")
    assert [box.attrs["value"] for box in page.all("input", name="scope")] == ["articles", "tickets"]
    form = page.form("/account/tokens")
    empty = site.post("/account/tokens", {"name": "", "days": "31"})
    assert empty.status == 422
    links = [link for link in empty.links if link.startswith("#fl-token")]
    assert links == ["#fl-token-name", "#fl-token-scopes", "#fl-token-days"]
    more = site.post("/account/tokens", {"name": "x", "days": "30", "scope": "admin"})
    assert (more.status, "no more than the person it belongs to" in more.main) == (422, True)

    made = site.post("/account/tokens", form.filled(name=NASTY, days="30") | {"scope": ["tickets"]})
    secret = made.one("input", id="fl-address").attrs["value"]
    assert re.fullmatch(r"fl_[\w-]{43}", secret)
    assert made.response.headers["cache-control"] == "private, no-store"
    listed = site.get("/account")
    assert NASTY in listed.main
    assert secret not in listed.html
    assert "never used" in listed.main
    headers = {"Authorization": f"Bearer {secret}"}
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 404
    assert "last used" in site.get("/account").main
    (token,) = site.accounts.store.tokens(site.accounts.named("agent-own@example.com").id)
    other = somebody(site.accounts, "agent")
    site.accounts.revoke_token(token.id, By("tests"), other.id)  # nobody revokes what is somebody else's
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 404
    assert site.post(f"/account/tokens/{token.id}/revoke", {"": ""}).status == 303
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 401
    assert "Revoked" in site.get("/account").main


def test_no_secret_stands_in_the_database_or_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    person = with_password(site.accounts, site.sign_in("agent", groups=("own",)))
    cookie = site.accounts.start(person, "192.0.2.9")
    secret, _ = site.accounts.make_token(person.id, "secret", {"tickets"}, 30, By("tests"))
    link, _ = site.accounts.invite(person.id, By("tests"))
    with site.app.state.engine.connect() as connection:
        copy = tmp_path / "copy.db"
        connection.exec_driver_sql(f"VACUUM INTO '{copy}'")
    kept = copy.read_bytes()
    for text in (cookie, secret, link, PASSWORD):
        assert text.encode() not in kept
        assert text not in caplog.text
    assert repr(person) == f"<Person {person.id}>"
