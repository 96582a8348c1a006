"""Signing in and out: the whole way of a person, and every way that must stay shut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from bot.accounts import SESSION_IDLE, SESSION_LASTS, By
from bot.passwords import Passwords
from bot.people import Person, Role
from tests.people import PASSWORD, somebody, with_password
from tests.web.site import AGENT, ARTICLES, Page, Site, open_site
from web.auth import COOKIE, SECURE_COOKIE
from web.origin import own_path

EMAIL = "agent@example.com"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ARTICLES) as opened:
        yield opened


@pytest.fixture
def agent(site: Site) -> Person:
    return with_password(site.accounts, somebody(site.accounts, "agent"))


def sign_in(site: Site, email: str = EMAIL, password: str = PASSWORD, following: str = "", **headers: str) -> Page:
    return site.post("/sign-in", {"email": email, "password": password, "next": following}, **headers)


def entries(site: Site) -> list[tuple[str, str]]:
    return [(row.action, row.actor) for row in site.accounts.log.find().rows][::-1]


def wait(site: Site, time: timedelta) -> None:
    known = site.accounts
    then = known.now() + time
    site.app.state.accounts = replace(known, now=lambda: then)


# --- in and out ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("agent")
def test_a_person_signs_in_goes_where_they_wanted_to_and_signs_out(site: Site) -> None:
    form = site.get("/sign-in?next=/search?q%3Dvpn").form("/sign-in")
    answer = site.post("/sign-in", form.filled(email=" AGENT@example.com ", password=PASSWORD))
    assert (answer.status, answer.response.headers["location"]) == (303, "/search?q=vpn")
    cookie = answer.response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie

    home = site.get("/")
    assert "Signed in as: Agent" in " ".join(home.one("details", cls="person").text.split())
    assert home.response.headers["cache-control"] == "private, no-store"
    assert "Cookie" in home.response.headers["vary"]
    assert site.get("/sign-in").response.headers["location"] == "/inbox"
    held = site.client.cookies[COOKIE]

    out = site.post("/sign-out", {"": ""})
    assert (out.status, out.response.headers["location"], COOKIE in site.client.cookies) == (303, "/", False)
    site.hold(held)
    assert site.get("/").all("details", cls="person") == []
    assert entries(site)[-2:] == [("signed_in", EMAIL), ("signed_out", EMAIL)]


@pytest.mark.parametrize(
    ("role", "address"), [("reader", "/"), ("agent", "/inbox"), ("author", "/authors"), ("admin", "/inbox")]
)
def test_who_does_not_say_where_to_goes_where_they_work(site: Site, role: Role, address: str) -> None:
    person = with_password(site.accounts, somebody(site.accounts, role))
    assert sign_in(site, person.email).response.headers["location"] == address
    assert site.get("/sign-in").response.headers["location"] == address
    assert site.get(address).status == 200


@pytest.mark.usefixtures("agent")
def test_over_tls_the_cookie_belongs_to_this_host_alone(site: Site) -> None:
    with TestClient(site.app, base_url="https://help.example", follow_redirects=False) as client:
        given = {"email": EMAIL, "password": PASSWORD}
        cookie = client.post("/sign-in", data=given).headers["set-cookie"]
        assert cookie.startswith(f"{SECURE_COOKIE}=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert "Sign out" in client.get("/").text
        # The plain name, which another host of the domain may set, opens nothing here.
        value = client.cookies[SECURE_COOKIE]
        client.cookies.clear()
        client.cookies.set(COOKIE, value)
        assert "Sign out" not in client.get("/").text


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_a_failure_does_not_tell_whether_the_address_is_known(site: Site, email: str) -> None:
    page = sign_in(site, email, "wrong password")
    assert page.status == 403
    words = "This e-mail address and password do not go together. Check both and try again."
    assert words in page.one("div", cls="summary").text
    assert page.one("input", id="fl-email").attrs["value"] == email
    assert "wrong password" not in page.html
    assert "set-cookie" not in page.response.headers
    assert entries(site)[-1] == ("sign_in_failed", EMAIL if email == EMAIL else "")


def test_an_unknown_address_costs_as_much_as_a_known_one(site: Site, agent: Person) -> None:
    class Counting(Passwords):
        checks = 0

        def verify(self, password: str, kept: str) -> bool:
            self.checks += 1
            return super().verify(password, kept)

    counting = Counting(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    site.app.state.accounts = replace(site.accounts, passwords=counting)
    site.accounts.set_active(agent.id, False, By("tests"))
    for email in (EMAIL, "author@example.com", "nobody@example.com"):  # deactivated, without a password, unknown
        assert sign_in(site, email).status == 403
    assert counting.checks == 3


def test_empty_fields_are_named(site: Site) -> None:
    page = sign_in(site, "", "")
    assert page.status == 422
    assert [link for link in page.links if link.startswith("#fl-")][1:] == ["#fl-email", "#fl-password"]


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("/authors?days=7", "/authors?days=7"),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("https://evil.example", ""),
        ("javascript:alert(1)", ""),
        ("/\t/evil.example", ""),
        ("/a\nb", ""),
        ("authors", ""),
        ("", ""),
    ],
)
def test_after_signing_in_nobody_is_led_to_another_site(given: str, leads_to: str) -> None:
    assert own_path(given) == leads_to


@pytest.mark.usefixtures("agent")
def test_a_session_that_somebody_planted_is_not_taken_up(site: Site) -> None:
    other = site.sign_in("reader")
    planted = site.client.cookies[COOKIE]
    assert sign_in(site).status == 303
    assert site.client.cookies[COOKIE] != planted
    assert site.accounts.store.sessions(other.id) == ()
    site.hold("made-up-by-somebody")
    assert site.get("/authors").status == 303


# --- how long it lasts ---------------------------------------------------------------------------------------------


def test_a_session_ends_after_a_night_without_use_and_after_a_month_in_any_case(site: Site) -> None:
    site.sign_in("author")
    for _ in range(2):
        wait(site, SESSION_IDLE - timedelta(seconds=1))
        assert site.get("/authors").status == 200
    wait(site, SESSION_IDLE)
    assert site.get("/authors").status == 303

    site.sign_in("author")
    for _ in range(int(SESSION_LASTS / SESSION_IDLE) * 2 - 1):
        wait(site, SESSION_IDLE / 2)
        assert site.accounts.of_session(site.client.cookies[COOKIE])
    wait(site, SESSION_IDLE / 2)
    assert site.accounts.of_session(site.client.cookies[COOKIE]) is None


@pytest.mark.parametrize("change", ["password", "deactivated", "roles", "groups"])
def test_a_session_ends_when_the_person_may_do_something_else(site: Site, change: str) -> None:
    person = site.sign_in("author")
    assert site.get("/authors").status == 200
    if change == "password":
        with_password(site.accounts, person)
    elif change == "deactivated":
        site.accounts.set_active(person.id, False, By("tests"))
    else:
        given = {"roles": frozenset({"agent"})} if change == "roles" else {"groups": frozenset({"identity-team"})}
        site.accounts.store.change(replace(person, **given))  # type: ignore[arg-type]
    assert site.get("/authors").status == 303


# --- too many tries ------------------------------------------------------------------------------------------------


def test_who_tries_too_often_waits_and_nobody_else_does(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, rate_sign_in="2/hour") as site:
        for role in ("agent", "author"):
            with_password(site.accounts, somebody(site.accounts, role))  # type: ignore[arg-type]
        assert [sign_in(site, password="wrong").status for _ in range(3)] == [403, 403, 429]
        blocked = sign_in(site)
        assert blocked.status == 429
        assert 3500 < int(blocked.response.headers["retry-after"]) <= 3600
        # Neither another account from here, nor this account from anywhere else.
        assert sign_in(site, "author@example.com").status == 303
        elsewhere = TestClient(site.app, client=("192.0.2.1", 1), follow_redirects=False)
        given = {"email": EMAIL, "password": PASSWORD}
        assert [elsewhere.post("/sign-in", data=given).status_code for _ in range(4)] == [303] * 4


def test_tokens_that_do_not_work_are_counted_and_those_that_do_are_not(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, rate_sign_in="1/hour") as site:

        def codes(token: str, times: int) -> list[tuple[int, str]]:
            headers = {"Authorization": f"Bearer {token}"}
            replies = [site.client.get("/api/v1/tickets/none", headers=headers) for _ in range(times)]
            return [(reply.status_code, reply.json()["code"]) for reply in replies]

        assert codes("fl_guess", 11) == [(401, "unauthorized")] * 10 + [(429, "too_many_requests")]
        assert codes(AGENT, 1) == [(404, "ticket_unknown")]


# --- who sends a request -------------------------------------------------------------------------------------------


def test_another_site_cannot_use_the_api_as_who_is_signed_in(site: Site) -> None:
    site.sign_in("agent")
    asked = {"subject": "how do I verify a caller"}
    address = "/api/v1/agent/suggestions"
    assert site.client.post(address, json=asked, headers={"Origin": "http://help.example"}).status_code == 200
    foreign = ("https://evil.example", "null", "http://[")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, *({"Origin": origin} for origin in foreign)):
        reply = site.client.post(address, json=asked, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (403, "foreign_origin")
        by_token = site.client.post(address, json=asked, headers={**headers, "Authorization": f"Bearer {AGENT}"})
        assert by_token.status_code == 200


def test_a_token_comes_as_the_password_of_basic_too(site: Site) -> None:
    for user, status in (("agent@example.com", 404), ("Agent@Example.com", 404), ("x@y.example", 401)):
        assert site.client.get("/api/v1/tickets/none", auth=(f"{user}/token", AGENT)).status_code == status
    # A proxy in front of us may have users of its own: that is nobody to us, and no error.
    assert site.client.get("/api/v1/suggest?q=vpn", auth=("proxy", "secret")).status_code == 200
    for given in (b"Basic \xe9\xe9", b"Basic !", b"Basic /w==", b"Basic"):
        assert site.client.get("/api/v1/suggest?q=vpn", headers=[(b"authorization", given)]).status_code == 200


def test_an_expired_and_a_revoked_token_open_nothing(site: Site) -> None:
    owner = somebody(site.accounts, "agent")
    secret, token = site.accounts.make_token(owner.id, "old", {"tickets"}, 30, By("tests"))
    headers = {"Authorization": f"Bearer {secret}"}
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 404
    gone = site.client.get("/api/v1/gaps", headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (403, "forbidden")
    now = site.accounts
    wait(site, timedelta(days=30))
    for address in ("/api/v1/tickets/none", "/api/v1/suggest?q=vpn"):
        late = site.client.get(address, headers=headers)
        assert (late.status_code, late.json()["code"]) == (401, "token_expired")
        assert secret not in late.text
    site.app.state.accounts = now
    now.revoke_token(token.id, By("tests"))
    assert site.client.get("/api/v1/tickets/none", headers=headers).json()["code"] == "unauthorized"


def test_a_token_makes_no_other_token_and_opens_no_account(site: Site) -> None:
    owner = with_password(site.accounts, somebody(site.accounts, "agent"))
    secret, token = site.accounts.make_token(owner.id, "reads", {"articles"}, 30, By("tests"))
    kept = site.accounts.store.tokens(owner.id)
    asked: dict[str, dict[str, str]] = {
        "/account": {"name": "Mallory"},
        "/account/password": {"old": PASSWORD, "password": "another one of mine"},
        "/account/sign-out": {"": ""},
        "/account/tokens": {"name": "more", "days": "365", "scope": "tickets"},
        f"/account/tokens/{token.id}/revoke": {"": ""},
    }
    for address, form in asked.items():
        reply = site.post(address, form, authorization=f"Bearer {secret}")
        assert (reply.status, "fl_" in reply.html) == (403, False)
    assert site.get("/account", authorization=f"Bearer {secret}").status == 403
    assert site.accounts.store.person(owner.id).name == owner.name
    assert [(each.id, each.revoked) for each in site.accounts.store.tokens(owner.id)] == [(e.id, None) for e in kept]
    assert sign_in(site).status == 303


def test_a_token_ends_with_what_its_owner_may_do(site: Site) -> None:
    headers = {"Authorization": f"Bearer {AGENT}"}
    owner = somebody(site.accounts, "agent")
    site.accounts.store.change(replace(owner, roles=frozenset({"reader"})))
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 403
    site.accounts.set_active(owner.id, False, By("tests"))
    assert site.client.get("/api/v1/tickets/none", headers=headers).status_code == 401


# --- one-time links ------------------------------------------------------------------------------------------------


def test_the_first_admin_is_made_with_a_link_that_works_once(site: Site) -> None:
    with site.app.state.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM people")
    dead, link = site.accounts.setup_link(), site.accounts.setup_link()
    assert site.get(f"/setup/{dead}").status == 404
    form = site.get(f"/setup/{link}").form(f"/setup/{link}")
    short = site.post(form.action, form.filled(name="Ann", email="ann@", password="short"))
    assert (short.status, short.one("input", id="fl-name").attrs["value"]) == (422, "Ann")
    assert "Use 12 characters or more" in short.main
    assert "short" not in [element.attrs.get("value") for element in short.all("input")]
    done = site.post(form.action, form.filled(name="Ann", email="ann@example.com", password=PASSWORD))
    assert (done.status, done.response.headers["location"]) == (303, "/people")
    assert "People" in site.get("/").one("details", cls="person").text
    again = site.get(f"/setup/{link}")
    assert (again.status, "This link was used already" in again.main) == (404, True)
    assert site.accounts.setup_link() == ""
    assert entries(site)[-1] == ("set_up", "ann@example.com")


def test_an_invitation_sets_a_password_and_signs_in(site: Site) -> None:
    person = somebody(site.accounts, "agent", email="kim@example.com", name="Kim <b>")
    secret, kind = site.accounts.invite(person.id, By("tests"))
    assert kind == "invitation"
    page = site.get(f"/welcome/{secret}")
    assert "For Kim <b>." in page.main
    assert site.get(f"/setup/{secret}").status == 404
    form = page.form(f"/welcome/{secret}")
    assert site.post(form.action, form.filled(password="kim@example.com")).status == 422
    done = site.post(form.action, form.filled(password=PASSWORD))
    assert (done.status, done.response.headers["location"]) == (303, "/inbox")
    assert site.get(f"/welcome/{secret}").status == 404
    site.sign_out()
    assert sign_in(site, "kim@example.com").status == 303
    assert site.accounts.invite(person.id, By("tests"))[1] == "reset"


def test_a_link_expires(site: Site) -> None:
    person = somebody(site.accounts, "agent")
    secret, _ = site.accounts.invite(person.id, By("tests"))
    wait(site, timedelta(days=7))
    assert site.get(f"/welcome/{secret}").status == 404


def test_a_hash_made_with_other_parameters_is_made_anew_at_sign_in(site: Site, agent: Person) -> None:
    site.app.state.accounts = replace(
        site.accounts, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    )
    assert "t=1" in site.accounts.store.password(agent.id)
    assert sign_in(site).status == 303
    assert "t=2" in site.accounts.store.password(agent.id)
    assert site.get("/").all("details", cls="person") != []


def test_while_the_database_is_down_people_read_on_and_nobody_gets_in(site: Site) -> None:
    site.sign_in("author")
    with site.app.state.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE people_sessions")
    assert site.get("/en/articles/vpn").status == 200
    assert site.get("/authors").status == 503
    assert site.client.get("/api/v1/gaps").json()["code"] == "store_unavailable"
