"""What every store of people does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from bot.audit import AuditEntry, MemoryAuditLog, SqlAuditLog
from bot.errors import AccountInvalid, LastAdmin, PersonUnknown, StoreUnavailable
from bot.memory_people import MemoryPeopleStore
from bot.people import ApiToken, Link, Person, Session
from bot.people_store import PeopleStore, SqlPeopleStore
from tests.bot.samples import NOON
from tests.databases import STORES, engine_of

ANNA = Person("p1", "Anna@Example.com", "Anna Nowak", NOON, frozenset({"admin"}), frozenset({"identity team"}), "pl")
BEN = Person("p2", "ben@example.com", "Łukasz 100%", NOON, frozenset({"agent", "author"}))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> PeopleStore:
    made: PeopleStore
    made = MemoryPeopleStore(MemoryAuditLog()) if request.param == "memory" else SqlPeopleStore(engine_of(request))
    made.add(ANNA)
    made.add(BEN)
    return made


def session(person: Person, digest: str = "s1", seen: timedelta = MINUTE) -> Session:
    return Session(digest, person.id, NOON, NOON + seen, "192.0.2.0/24")


def link(person: Person | None, digest: str = "l1") -> Link:
    return Link(digest, "reset" if person else "setup", person.id if person else "", NOON, NOON + DAY)


def token(digest: str = "d1", **given: object) -> ApiToken:
    made = ApiToken("t" + digest, digest, "fl_abcde", "zapier", ANNA.id, frozenset({"tickets"}), NOON, NOON + DAY)
    return replace(made, **given)  # type: ignore[arg-type]


# --- people --------------------------------------------------------------------------------------------------------


def test_people_come_back_as_they_were_added(store: PeopleStore) -> None:
    assert [store.person("p1"), store.person("p2")] == [ANNA, BEN]
    assert store.by_email(" ANNA@example.COM ") == ANNA
    assert store.by_email("nobody@example.com") is None
    with pytest.raises(PersonUnknown):
        store.person("p3")


def test_an_address_belongs_to_one_person_in_whatever_letters(store: PeopleStore) -> None:
    with pytest.raises(AccountInvalid, match=r"ANNA@EXAMPLE\.COM"):
        store.add(replace(ANNA, id="p3", email="ANNA@EXAMPLE.COM"))
    assert store.find().total == 2


def test_people_are_found_by_words_role_and_state(store: PeopleStore) -> None:
    store.change(replace(BEN, active=False))
    assert [person.id for person in store.find().rows] == ["p1", "p2"]
    for given, ids in (
        ({"text": "łUKASZ"}, ["p2"]),
        ({"text": "anna@"}, ["p1"]),
        ({"text": "100%"}, ["p2"]),
        ({"text": "10_%"}, []),
        ({"role": "agent"}, ["p2"]),
        ({"role": "reader"}, []),
        ({"active": True}, ["p1"]),
        ({"active": False, "role": "author"}, ["p2"]),
        ({"limit": 1, "offset": 1}, ["p2"]),
    ):
        assert [person.id for person in store.find(**given).rows] == ids, given  # type: ignore[arg-type]
    assert store.find(limit=0).total == 2


def test_a_change_keeps_address_and_password(store: PeopleStore) -> None:
    store.set_password("p2", "hash")
    store.change(replace(BEN, email="other@example.com", name="Ben", roles=frozenset({"reader"}), lang="de"))
    changed = store.person("p2")
    assert (changed.email, changed.name, changed.roles, changed.lang) == ("ben@example.com", "Ben", {"reader"}, "de")
    assert changed.has_password
    assert store.find(text="ben@").total == 1
    assert store.find(text="ukasz").total == 0
    with pytest.raises(PersonUnknown):
        store.change(replace(BEN, id="p3"))


@pytest.mark.parametrize("given", [{"roles": frozenset({"agent"})}, {"active": False}], ids=["role", "state"])
def test_the_last_admin_stays_one(store: PeopleStore, given: dict[str, object]) -> None:
    with pytest.raises(LastAdmin):
        store.change(replace(ANNA, **given))  # type: ignore[arg-type]
    assert store.person("p1") == ANNA
    store.change(replace(BEN, roles=frozenset({"admin"})))
    store.change(replace(ANNA, **given))  # type: ignore[arg-type]


def test_of_two_admins_who_remove_each_other_at_once_one_stays(store: PeopleStore) -> None:
    store.change(replace(BEN, roles=frozenset({"admin"})))
    barrier = Barrier(2)

    def remove(person: Person) -> bool:
        barrier.wait()
        try:
            store.change(replace(person, active=False))
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, (ANNA, replace(BEN, roles=frozenset({"admin"}))))) == [False, True]
    assert store.find(role="admin", active=True).total == 1


# --- sessions and passwords ----------------------------------------------------------------------------------------


def test_a_session_tells_whose_it_is_until_it_ends(store: PeopleStore) -> None:
    store.start(session(ANNA))
    store.start(session(ANNA, "s2", 2 * MINUTE))
    store.start(session(BEN, "s3"))
    assert store.session("s1") == (session(ANNA), replace(ANNA, last_sign_in=NOON))
    assert store.sessions("p1") == (session(ANNA, "s2", 2 * MINUTE), session(ANNA))
    store.seen("s1", NOON + 3 * MINUTE)
    store.seen("none", NOON)
    assert [each.digest for each in store.sessions("p1")] == ["s1", "s2"]
    store.end("s1")
    store.end("none")
    assert store.session("s1") is None
    store.end_all("p1")
    assert store.sessions("p1") == ()
    assert store.session("s3") is not None


@pytest.mark.parametrize(
    "given", [{"roles": frozenset({"agent"})}, {"groups": frozenset({"g"})}, {"active": False}], ids=str
)
def test_who_may_do_something_else_is_signed_out(store: PeopleStore, given: dict[str, object]) -> None:
    store.start(session(BEN))
    store.change(replace(BEN, name="Ben", lang="de"))
    assert store.session("s1") is not None
    store.change(replace(BEN, **given))  # type: ignore[arg-type]
    assert store.session("s1") is None


def test_a_new_password_ends_all_other_sessions_and_the_links(store: PeopleStore) -> None:
    for digest in ("s1", "s2"):
        store.start(session(ANNA, digest))
    store.start(session(BEN, "s3"))
    store.offer(link(ANNA))
    store.set_password("p1", "hash", keep="s2")
    assert [store.session(digest) is not None for digest in ("s1", "s2", "s3")] == [False, True, True]
    assert store.link("l1", NOON) is None
    store.rehash("p1", "newer")
    assert (store.password("p1"), store.password("p2"), store.session("s2") is not None) == ("newer", "", True)
    with pytest.raises(PersonUnknown):
        store.password("p3")


def test_what_is_too_old_is_removed(store: PeopleStore) -> None:
    store.start(replace(session(ANNA, "old"), started=NOON - DAY))
    store.start(session(ANNA, "idle", -MINUTE))
    store.start(session(ANNA, "kept"))
    store.offer(link(ANNA))
    store.offer(replace(link(BEN, "l2"), expires=NOON))
    store.clean(started=NOON, seen=NOON, now=NOON)
    assert [each.digest for each in store.sessions("p1")] == ["kept"]
    assert [store.link(digest, NOON - DAY) is not None for digest in ("l1", "l2")] == [True, False]


# --- links ---------------------------------------------------------------------------------------------------------


def test_a_link_sets_a_password_once_and_signs_out_everywhere(store: PeopleStore) -> None:
    store.start(session(ANNA))
    store.offer(link(ANNA, "before"))
    store.offer(link(ANNA))
    assert store.link("before", NOON) is None
    assert store.link("l1", NOON) == link(ANNA)
    assert store.link("l1", NOON + DAY) is None
    assert store.use("l1", NOON + DAY, "late") is None
    assert store.use("l1", NOON, "hash") == "p1"
    assert store.use("l1", NOON, "again") is None
    assert (store.password("p1"), store.session("s1")) == ("hash", None)


def test_a_deactivated_person_has_no_links_left(store: PeopleStore) -> None:
    store.offer(link(BEN))
    store.change(replace(BEN, active=False))
    assert store.use("l1", NOON, "hash") is None


def test_a_setup_adds_the_first_person_and_nobody_after_that(store: PeopleStore) -> None:
    store.offer(link(None))
    carl = replace(ANNA, id="p3", email="carl@example.com")
    assert store.use("l1", NOON, "hash", carl) is None
    assert store.find().total == 2


@pytest.mark.parametrize("kind", STORES)
def test_of_two_setups_with_one_link_one_makes_the_admin(kind: str, request: pytest.FixtureRequest) -> None:
    empty: PeopleStore
    empty = MemoryPeopleStore(MemoryAuditLog()) if kind == "memory" else SqlPeopleStore(engine_of(request, kind))
    empty.offer(link(None, "before"))
    empty.offer(link(None))
    assert empty.use("before", NOON, "hash", ANNA) is None
    barrier = Barrier(2)

    def use(person: Person) -> str | None:
        barrier.wait()
        return empty.use("l1", NOON, "hash", person)

    with ThreadPoolExecutor(2) as pool:
        made = [found for found in pool.map(use, (ANNA, BEN)) if found]
    assert len(made) == 1
    assert empty.find().rows[0].id == made[0]
    assert empty.password(made[0]) == "hash"


# --- tokens --------------------------------------------------------------------------------------------------------


def test_a_token_tells_whose_it_is_and_what_it_is_for(store: PeopleStore) -> None:
    store.add_token(token())
    store.add_token(token("d2", created=NOON + MINUTE, owner_id=BEN.id))
    assert store.token("d1") == (token(), ANNA)
    assert store.token("none") is None
    assert [each.digest for each in store.tokens()] == ["d2", "d1"]
    assert [each.digest for each in store.tokens("p1")] == ["d1"]
    store.used("td1", NOON + MINUTE)
    store.revoke("td1", NOON + DAY)
    store.revoke("td1", NOON + 2 * DAY)
    assert store.tokens("p1") == (token(used=NOON + MINUTE, revoked=NOON + DAY),)


# --- the audit log -------------------------------------------------------------------------------------------------


def test_an_entry_is_kept_together_with_what_it_tells_or_neither_is(engine: sa.Engine) -> None:
    store, log = SqlPeopleStore(engine), SqlAuditLog(engine)
    entry = AuditEntry(NOON, "person_added", "root@example.com")
    store.add(ANNA, entry)
    store.offer(link(ANNA), entry)
    store.use("l1", NOON, "hash", entry=entry)
    store.add_token(token(), entry)
    store.revoke("td1", NOON, entry)
    store.set_password("p1", "hash", entry=entry)
    store.end_all("p1", entry)
    store.change(replace(ANNA, name="Anna"), entry)
    assert log.find().total == 8

    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit_log")
    with pytest.raises(StoreUnavailable):
        store.change(replace(ANNA, roles=frozenset({"admin", "agent"})), entry)
    assert store.person("p1").roles == ANNA.roles
