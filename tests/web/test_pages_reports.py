"""The reports of authors: their numbers, charts and files, and the hold-out at the ticket form."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot.models import Outcome, RecordedQuestion
from bot.reports.desk import Unit
from bot.reports.hold_out import HoldOut
from bot.tables import report_spikes
from tests.web.site import ARTICLES as USUAL
from tests.web.site import AUTHOR, Site, open_site
from web.pages.report_tables import Column, Table
from web.pages.report_time import Span, Standing
from web.words import words

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
ODD = '=HYPERLINK("https://evil.example") <b>&'
#: Stands in an article and the name of a topic that no author here may see.
SECRET = "quetzal"
ARTICLES = {
    **USUAL,
    f"en/{SECRET}-topic/runbook.md": f"---\nid: runbook\naudience: team\n---\n# The {SECRET}\n\nText.\n",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three questions, one solved, and two tickets, all on one Wednesday; a day later by the clock."""
    with open_site(tmp_path_factory.mktemp("reports"), ARTICLES, time_zone="Europe/Warsaw", hold_out=0.5) as opened:
        opened.set_clock(NOON.replace(day=20))
        for name, channel, shown in (("q1", "web", "vpn"), ("q2", "widget", "vpn"), ("q3", "agent", "runbook")):
            opened.events.record_question(
                RecordedQuestion(name, NOON, "t", "", "en", channel, f"s-{name}", "answer", 0.8, "", "s", (shown,))
            )
        opened.events.record_outcome(Outcome("q1", "solved", "vpn"), NOON)
        for number, department in enumerate((ODD, "Sales")):
            sent = {"subject": "Help", "body": "Please.", "email": "a@b.example", "department": department}
            opened.client.post("/api/v1/tickets", json=sent, headers={"Idempotency-Key": f"ticket-{number}"})
        with opened.app.state.engine.begin() as connection:
            for kind, name in (("topic", "network"), ("topic", f"{SECRET}-topic"), ("tickets", "")):
                row = {"day": NOON.date().replace(day=20), "kind": kind, "name": name, "count": 40, "usual": 12.5}
                times = {"weeks": 8, "found_at": NOON, "looked_at": NOON}
                connection.execute(report_spikes.insert().values(**row, **times))
        opened.app.state.reports.rollup.refresh(60)
        opened.sign_in("author")
        yield opened


def _file(site: Site, name: str) -> list[list[str]]:
    reply = site.client.get(f"/authors/reports/{name}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"].startswith('attachment; filename="')
    assert reply.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))


# --- the desk ----------------------------------------------------------------------------------------------------


def test_the_page_shows_rates_with_denominators_volumes_and_spikes(site: Site) -> None:
    page = site.get("/authors/reports?days=7")
    words = page.main

    assert "50 % 1 of 2 · between 9.5 % and 90.5 % said that it solved it" in words.replace("\u00a0", " ")
    assert "Wednesday" not in words
    assert "Friday, 20 November 2026: 40 questions about “Network”." in words
    assert "Usual on this weekday up to that time: 12.5 (the middle of 8 weeks)." in words
    rows = [row for row in _file(site, "volume.csv?days=7") if row[1] != "0" or row[3] != "0"]
    assert rows[0] == ["When", "Questions", "No article found", "Tickets", "Remark"]
    assert rows[1:5] == [[f"2026-11-{day}", "", "", "", "Nothing known"] for day in (14, 15, 16, 17)]
    assert rows[5:] == [["2026-11-18", "2", "0", "0", ""], ["2026-11-20", "0", "0", "2", "Not over yet"]]


def test_spikes_stand_together_in_one_box_above_the_other_pages(site: Site) -> None:
    (box,) = site.get("/authors/feedback").all("div", cls="spike")

    assert box.text.count("Usual on this weekday") == 2
    assert not site.get("/authors/reports").all("div", cls="spike")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("volume.csv?by=hour", ["12:00–12:59", "2", "0", "2"]),
        ("volume.csv?by=weekday", ["Wednesday", "1", "2", "0", "0"]),
        ("volume.csv?by=week", ["2026-11-16", "2", "0", "2", "Not over yet"]),
        ("volume.csv?by=month", ["2026-11-01", "2", "0", "2", "Not over yet"]),
        ("volume.csv?channel=agent", ["2026-11-18", "1", "0", "0", ""]),
        ("split.csv?of=topic", ["Network", "2"]),
        ("split.csv?of=topic&channel=agent", ["Articles that are gone or not for you", "1"]),
        ("split.csv?of=department", ["'" + ODD, "1"]),
        ("split.csv?of=channel", ["Agents", "1", "0", "0"]),
        ("split.csv?of=language", ["English", "2", "0", "0"]),
        ("rates.csv?channel=web", ["Confirmed", "said that it solved it, of all who were shown an article", "1.0",
                                   "0.206549", "1.0", "1", "1"]),
    ],
)  # fmt: skip
def test_every_table_is_a_file_with_the_filter_of_the_page(site: Site, query: str, expected: list[str]) -> None:
    assert expected in _file(site, query)


def test_charts_are_well_formed_have_a_name_and_no_style_of_their_own(site: Site) -> None:
    page = site.get("/authors/reports?by=hour&of=department")
    charts = re.findall(r"<svg class=\"report-chart\".*?</svg>", page.html, re.DOTALL)

    assert len(charts) == 3
    for chart in charts:
        root = ElementTree.fromstring(chart)  # noqa: S314 - our own page
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"]
    assert not re.search(r"<svg[^>]*style=|<script>|<style>| style=\"", page.html)
    assert ODD not in page.html
    assert "=HYPERLINK(&#34;https://evil.example&#34;) &lt;b&gt;&amp;" in page.html


def test_words_that_a_spreadsheet_would_run_become_words() -> None:
    cells = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "a=1", "", 'say "hi"', -1, -0.5, None)
    table = Table(tuple(Column("c") for _ in cells), (cells,))
    (_, row) = csv.reader(io.StringIO(table.csv(words("en")).decode("utf-8-sig"), newline=""))

    assert row == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@SUM(A1)",
        "'\t=1",
        "'\r=1",
        "'  =1",
        "a=1",
        "",
        'say "hi"',
        "-1",
        "-0.5",
        "",
    ]


# --- articles ----------------------------------------------------------------------------------------------------


def test_articles_are_listed_with_what_they_do_and_those_never_found(site: Site) -> None:
    page = site.get("/authors/reports/articles?days=7")
    rows = _file(site, "articles.csv?days=7&order=found")

    assert rows[1][:8] == ["Connect to the VPN", "vpn", "Network", "2", "2", "0", "1", "0"]
    assert "6 articles were never found" in page.main
    assert [row[1] for row in _file(site, "articles.csv?only=never_found&text=vpn")] == ["Id"]


def test_an_article_has_a_report_of_its_own(site: Site) -> None:
    page = site.get("/authors/reports/articles/vpn?days=7")

    assert (page.status, page.title) == (200, "Connect to the VPN")
    assert [number.text for number in page.all("dd")][:6] == ["2", "2", "0", "1", "0", "0"]
    assert ["2026-11-18", "2", "2", "0", "1", "0", "0", ""] in _file(site, "article.csv?id=vpn&days=7")


def test_an_article_that_changed_today_says_so(tmp_path: Path) -> None:
    with open_site(tmp_path, USUAL) as opened:
        opened.set_clock(NOON)
        for entry in opened.app.state.desk.library.searcher.snapshot.entries:
            object.__setattr__(entry.article, "changed", NOON.isoformat())
        opened.sign_in("author")
        listed, alone = (opened.get(f"/authors/reports/articles{one}").main for one in ("", "/vpn"))

    assert ("Today" in listed, "Changed today" in alone) == (True, True)
    assert "0 days ago" not in listed + alone


def test_articles_and_topics_of_others_are_named_nowhere(site: Site) -> None:
    for address in ("", "?channel=agent", "/articles", "/articles/runbook", "/spikes.csv",
                    "/split.csv?channel=agent", "/articles.csv", "/article.csv?id=runbook"):  # fmt: skip
        reply = site.client.get(f"/authors/reports{address}")
        assert SECRET not in reply.text
        assert reply.status_code == (404 if "runbook" in address else 200)
    headers = {"Authorization": f"Bearer {AUTHOR}"}
    for path in ("articles?limit=1000", "spikes", "volume?by=topic&channel=agent"):
        reply = site.client.get(f"/api/v1/reports/{path}", headers=headers)
        assert reply.status_code == 200
        assert SECRET not in reply.text
    assert [row["kind"] for row in site.client.get("/api/v1/reports/spikes", headers=headers).json()["spikes"]] == [
        "tickets",
        "topic",
    ]


# --- spikes ------------------------------------------------------------------------------------------------------


def test_a_spike_that_somebody_has_seen_to_stands_above_no_page_until_that_is_undone(site: Site) -> None:
    spike = {"day": "2026-11-20", "kind": "topic", "name": "network"}
    about = site.get("/authors/reports/spike?day=2026-11-20&kind=topic&name=network")
    assert "Nobody has seen to it yet." in about.main
    assert "The questions and tickets of that day are no longer kept." in about.main  # its row was made up

    site.client.post("/authors/reports/spike/seen", data=spike)
    (box,) = site.get("/authors/feedback").all("div", cls="spike")
    assert (box.text.count("Usual on this weekday"), "Network" in box.text) == (1, False)
    assert "Seen to by Author, 20 Nov 2026" in site.get("/authors/reports").main
    (row,) = [row for row in _file(site, "spikes.csv") if "Network" in row]
    assert row[-2:] == ["Author", "2026-11-20T11:00:00+00:00"]

    site.client.post("/authors/reports/spike/seen", data={**spike, "undo": "1"})
    (box,) = site.get("/authors/feedback").all("div", cls="spike")
    assert "Network" in box.text


@pytest.mark.parametrize(
    "query",
    ["day=2026-11-20", "day=2026-11-20&kind=topic",
     "day=yesterday&kind=tickets", f"day=2026-11-20&kind=topic&name={SECRET}-topic",
     "day=2026-11-20&kind=%00&name=%27"],
)  # fmt: skip
def test_no_page_is_there_for_what_is_no_spike_or_not_for_this_author(site: Site, query: str) -> None:
    page = site.get(f"/authors/reports/spike?{query}")

    assert (page.status, SECRET in page.main) == (404, False)
    sent = dict(part.split("=") for part in query.split("&"))
    assert site.client.post("/authors/reports/spike/seen", data=sent).status_code == 404


# --- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "key", "standing"),
    [
        ("day", date(2026, 11, 20), "open"),
        ("day", date(2026, 11, 19), "whole"),
        ("day", date(2026, 10, 6), "unknown"),
        ("week", date(2026, 11, 16), "open"),
        ("week", date(2026, 10, 5), "part"),
        ("week", date(2026, 9, 28), "unknown"),
        ("month", date(2026, 11, 1), "open"),
        ("month", date(2026, 10, 1), "part"),
        ("month", date(2026, 9, 1), "unknown"),
    ],
)
def test_a_stretch_that_is_not_over_cut_off_or_unknown_says_so(by: Unit, key: date, standing: Standing) -> None:
    span = Span(date(2026, 9, 1), date(2026, 11, 20), begun=date(2026, 10, 7))

    assert span.standing(by, key) == standing
    assert (sum(span.weekdays()), span.weekdays()[2]) == (45, 7)
    assert sum(Span(date(2026, 9, 1), date(2026, 11, 20), None).weekdays()) == 0


def test_a_chart_draws_nothing_where_nothing_is_known_and_today_as_unfinished(site: Site) -> None:
    page = site.get("/authors/reports?days=7")
    charts = re.findall(r"<svg class=\"report-chart\".*?</svg>", page.html, re.DOTALL)

    assert [chart.count("chart-unknown") for chart in charts[:2]] == [1, 1]  # the 14th to the 17th, in one
    assert "20 Nov 2026 (Not over yet): 2" in charts[1]
    assert [chart.count("chart-part") for chart in charts[:2]] == [0, 1]
    assert 'aria-label="Questions: at most 2, 18 Nov 2026. The table below has all numbers."' in charts[0]
    assert "There is nothing to compare with yet" in page.main


def test_a_file_is_a_table_where_people_write_a_decimal_comma(site: Site) -> None:
    content = site.client.get("/authors/reports/rates.csv?channel=web&lang=de").content.decode("utf-8-sig")

    assert content.splitlines()[1].endswith(";1,0;0,206549;1,0;1;1")


# --- the API -----------------------------------------------------------------------------------------------------


def test_the_api_gives_the_same_numbers(site: Site) -> None:
    def get(path: str) -> dict[str, object]:
        reply = site.client.get(f"/api/v1/reports/{path}", headers={"Authorization": f"Bearer {AUTHOR}"})
        assert reply.status_code == 200
        found: dict[str, object] = reply.json()
        return found

    assert get("volume?by=topic")["rows"] == [{"key": "network", "questions": 2, "unanswered": 0, "tickets": 0}]
    assert get("volume?by=month&since=2026-11-01&until=2026-11-18")["rows"] == [
        {"key": "2026-11-01", "questions": 2, "unanswered": 0, "tickets": 0}
    ]
    assert get("articles?only=never_found&limit=1")["total"] == get("articles")["total"] - 1  # type: ignore[operator]
    assert get("deflection?channel=agent")["shown"] == 0
    assert get("holdout")["share"] == 0.5
    assert get("comparison?days=7") == {"comparison": None, "waiting": 0}  # nothing is known of the week before


# --- the hold-out ------------------------------------------------------------------------------------------------


def _session(site: Site, *, held_out: bool) -> str:
    hold_out: HoldOut = site.app.state.reports.hold_out
    return next(name for n in range(100) if hold_out.holds_out(name := f"session-number-{n:04}") is held_out)


@pytest.mark.parametrize("held_out", [True, False])
def test_who_is_held_out_sees_no_suggestion_and_the_ticket_goes_through_as_always(
    tmp_path: Path, *, held_out: bool
) -> None:
    browser = {"user_agent": "Mozilla/5.0"}
    with open_site(tmp_path, USUAL, hold_out=0.5) as site:
        session = _session(site, held_out=held_out)
        site.client.cookies.set("firstline_session", session, domain="help.example", path="/")
        page = site.get("/ticket?subject=How do I connect to the VPN", **browser)
        assert bool(page.all("form", cls="ticket")[0].attrs.get("data-suggest")) is not held_out
        assert ("Connect to the VPN" in page.main) is not held_out
        assert _counted(site) == 0
        came = page.all("form", cls="ticket")[0].attrs["data-came"]
        assert [site.client.post(came, headers={"User-Agent": "Mozilla/5.0"}).status_code for _ in "ab"] == [204, 204]
        assert _counted(site) == 1
        typed = {"email": "ann@example.com", "subject": "How do I connect to the VPN", "body": "how do I connect"}
        sent = site.post("/ticket", page.form("/ticket").filled(**typed), **browser)
        if held_out:
            assert sent.status == 303
            assert site.questions == []
        else:
            assert (sent.status, sent.title) != (303, "")
            sent = site.post("/ticket", sent.form("/ticket").filled(), **browser)
        effect = site.app.state.reports.hold_out.effect()
        group = effect.held_out if held_out else effect.others
        assert (group.sessions, group.sent) == (1, int(sent.status == 303))


def test_robots_and_agents_do_not_count_and_agents_see_suggestions(tmp_path: Path) -> None:
    with open_site(tmp_path, USUAL, hold_out=0.5) as site:
        for browser in ("Googlebot/2.1", "Mozilla/5.0"):  # one that keeps no cookie
            site.client.cookies.clear()
            site.get("/ticket", user_agent=browser)
            site.client.cookies.clear()
            site.client.post("/ticket/came", headers={"User-Agent": browser})
        assert _counted(site) == 0
        site.client.cookies.set("firstline_session", _session(site, held_out=True), domain="help.example", path="/")
        site.sign_in("agent")
        page = site.get("/ticket?subject=How do I connect to the VPN", user_agent="Mozilla/5.0")
        site.client.post("/ticket/came", headers={"User-Agent": "Mozilla/5.0"})
        assert _counted(site) == 0

    form = page.all("form", cls="ticket")[0].attrs
    assert (form["data-suggest"], "data-came" in form) == ("/api/v1/suggest", False)


def _counted(site: Site) -> int:
    effect = site.app.state.reports.hold_out.effect()
    return int(effect.held_out.sessions + effect.others.sessions)


def test_without_a_hold_out_the_form_sets_no_cookie_and_keeps_no_visit(tmp_path: Path) -> None:
    with open_site(tmp_path, USUAL) as site:
        page = site.get("/ticket", user_agent="Mozilla/5.0")

        assert "set-cookie" not in page.response.headers
        assert "data-came" not in page.all("form", cls="ticket")[0].attrs


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_no_error(site: Site, day: str) -> None:
    moments = [f"{day}{rest}" for rest in ("T00:00:00", "T23:59:59-12:00", "T00:00:00+12:00")]
    asked = [(path, [day]) for path in ("reports/volume", "reports/articles")]
    asked += [(path, moments) for path in ("reports/deflection", "reports/holdout", "gaps")]
    for path, given in asked:
        for params in ({name: at} for at in given for name in ("since", "until")):
            assert site.client.get(f"/api/v1/{path}", params=params).status_code == 200, (path, params)
