"""A server that has just started answers questions before it has loaded its pages, and whoever wants one gets it."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.web.site import ARTICLES, build_site
from web.app import create_app
from web.desk import open_desk
from web.settings import Settings


def _addresses(app: FastAPI) -> set[tuple[str, frozenset[str]]]:
    return {
        (getattr(route, "path", ""), frozenset(getattr(route, "methods", None) or ())) for route in app.router.routes
    }


def test_questions_are_answered_before_the_pages_are_there_and_then_all_is_as_it_would_have_been(
    tmp_path: Path,
) -> None:
    settings = Settings(data=build_site(tmp_path, ARTICLES))
    desk, engine = open_desk(settings)
    whole = _addresses(create_app(settings, desk, engine))
    app = create_app(settings, desk, engine, soon=True)
    first = _addresses(app)
    assert first < whole
    assert not any(path.startswith("/{lang}") for path, _ in first)

    client = TestClient(app)  # without the looks that load them too
    assert client.post("/api/v1/ask", json={"question": "how do I reset my password"}).json()["decision"] == "answer"
    assert client.get("/healthz").json() == {"status": "ok"}
    assert _addresses(app) == first

    assert client.get("/").status_code == 200
    assert _addresses(app) == whole
    assert client.get("/api/v2/help_center/articles/search.json?query=password").status_code == 200
    assert client.get("/no/such/page").status_code == 404
    assert client.put("/api/v1/ask").status_code == 405
    engine.dispose()


def test_what_is_no_question_is_loaded_for_first_whatever_comes_of_it(tmp_path: Path) -> None:
    settings = Settings(data=build_site(tmp_path, ARTICLES))
    desk, engine = open_desk(settings)
    app = create_app(settings, desk, engine, soon=True)
    reply = TestClient(app).get("/nowhere/at/all")
    assert (reply.status_code, "<h1" in reply.text) == (404, True)
    assert len(_addresses(app)) > 100
    engine.dispose()
