"""What is counted, who may read it, and that nothing about a person is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from tests.web.conftest import ARTICLES
from tests.web.site import Site, open_site
from web.metrics import DECLARED, Declared, Metrics
from web.readings import Readings

TOKEN = "a-token-of-the-scraper"
READER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("metrics"), ARTICLES, metrics_token=TOKEN) as made:
        yield made


def scraped(site: Site) -> dict[tuple[str, ...], float]:
    """Each number by its name and the values of its labels."""
    text = site.client.get("/metrics", headers=READER).text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_only_who_is_let_reads_them(site: Site) -> None:
    assert site.client.get("/metrics", headers=READER).headers["content-type"].startswith("text/plain; version=")
    closed = site.client.get("/metrics", headers={"Authorization": "Bearer something-else-entirely"})
    assert (closed.status_code, closed.json()["code"]) == (401, "unauthorized")
    assert site.client.get("/metrics").status_code == 401


def test_without_a_setting_there_is_no_such_address(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES) as made:
        assert made.client.get("/metrics", headers=READER).status_code == 404


def test_an_address_of_the_settings_reads_them_through_no_proxy_but_a_trusted_one(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, metrics_from=("10.0.0.0/8",)) as made:
        made.client._transport.client = ("10.1.2.3", 5000)  # type: ignore[attr-defined]
        assert made.client.get("/metrics").status_code == 200
        made.client._transport.client = ("192.0.2.1", 5000)  # type: ignore[attr-defined]
        forged = made.client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"})
        assert (forged.status_code, forged.json()["code"]) == (403, "forbidden")


def test_a_question_and_its_outcome_are_counted_by_decision_language_and_confidence(site: Site) -> None:
    before = scraped(site)
    reply = site.client.post("/api/v1/ask", json={"question": "I forgot my password", "channel": "widget"}).json()
    site.client.post(f"/api/v1/questions/{reply['id']}/outcome", json={"outcome": "solved"})
    after = scraped(site)

    def grew(*key: str) -> float:
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert grew("firstline_asks_total", "widget", reply["decision"], "en") == 1
    assert grew("firstline_judged_total", f"0.{min(9, int(reply['confidence'] * 10))}", "solved") == 1
    assert grew("firstline_ask_seconds_count") == 1
    stages = ("encode", "retrieve", "rank", "decide", "render", "store")
    assert [grew("firstline_ask_stage_seconds_count", stage) for stage in stages] == [1] * 6
    parts = sum(grew("firstline_ask_stage_seconds_sum", stage) for stage in stages)
    assert parts == pytest.approx(grew("firstline_ask_seconds_sum"))


def test_requests_are_counted_by_template_so_that_nobody_makes_new_rows(site: Site) -> None:
    for address in ("/en/articles/vpn", "/en/articles/secret-id", "/wp-login.php", "/static/site.css", "/a/b/c"):
        site.client.get(address)
    site.client.request("BREW", "/")
    rows = scraped(site)
    assert rows["firstline_http_requests_total", "GET", "/{lang}/articles/{article_id:path}", "200"] >= 1
    assert rows["firstline_http_requests_total", "GET", "unmatched", "404"] >= 2
    assert rows["firstline_http_requests_total", "GET", "/static/{path}", "200"] >= 1
    assert ("firstline_http_requests_total", "other", "/", "405") in rows
    assert not [key for key in rows if re.search("secret|wp-login|BREW", " ".join(key))]


def test_the_snapshot_and_what_waits_are_told(site: Site) -> None:
    engine: sa.Engine = site.app.state.engine
    snapshot = site.app.state.desk.library.searcher.snapshot
    readings = Readings(site.app.state.metrics, site.app.state.desk.library, engine, site.app.state.desk.now)
    readings.started = lambda: None  # type: ignore[method-assign]
    readings.refresh()
    rows = scraped(site)
    assert next(key for key in rows if key[0] == "firstline_info")[1] == snapshot.id
    assert (rows["firstline_articles",], rows["firstline_database_up",], rows["firstline_gaps_open",]) == (4, 1, 0)
    assert rows["firstline_outbox", "waiting"] == 0
    assert rows["firstline_snapshot_age_seconds",] > 0
    assert rows["firstline_database_connections", "limit"] >= 5


def test_a_number_that_cannot_be_read_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    metrics, broken, whole = Metrics(), Declared("broken", "gauge", "."), Declared("whole", "gauge", ".")
    metrics.read(broken, lambda: 1 / 0)
    metrics.read(whole, lambda: 7)
    text = metrics.exposed()[0].decode()
    assert "whole 7.0" in text
    assert "broken" not in text
    assert "broken cannot be read" in caplog.text


def test_every_declared_metric_is_named_as_prometheus_wants_it() -> None:
    assert len({metric.name for metric in DECLARED}) == len(DECLARED)
    for metric in DECLARED:
        assert re.fullmatch(r"firstline_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
