"""A PostgreSQL server that tests may kill, and articles to serve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.web.site import ARTICLES, build_site

_NAMES = ("en/accounts/reset-password.md", "en/network/vpn.md")


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """Not the one that other tests use: this one is killed and stopped, and loses nothing by it."""
    server = PostgresServer.start()
    yield server
    server.stop()


@pytest.fixture
def site_data(tmp_path: Path) -> Path:
    """A data folder with two articles."""
    return build_site(tmp_path, {name: ARTICLES[name] for name in _NAMES})
