"""Whether the process runs, and whether it is to get requests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from bot.patience import hurried
from bot.service import HelpDesk
from web import problems

#: How long the database may take to say that it is there, in seconds.
_LOOK_S = 1.0


def install(app: FastAPI) -> None:
    """Adds /healthz and /readyz, and `app.state.draining`, which says that the server is about to end."""
    app.state.draining = False

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz(request: Request) -> Response:
        """A snapshot is open: ready where the database answers too, else degraded.

        Without the database questions are answered all the same, and every replica is without it at once: to say 503
        would have a load balancer take away all of them. A server that is about to end says 503.
        """
        if request.app.state.draining:
            return problems.problem(503, "draining", "This server ends.", headers={"Retry-After": "1"})
        desk: HelpDesk = request.app.state.desk
        waiting = desk.spooled.spool.depth if desk.spooled else 0
        said: dict[str, Any] = {"status": "ready", "snapshot": desk.library.searcher.snapshot.id}
        if not _answers(request.app.state.engine):
            said |= {"status": "degraded", "detail": "The database does not answer."}
        return JSONResponse(said | ({"waiting": waiting} if waiting else {}))


def _answers(engine: sa.Engine) -> bool:
    try:
        with hurried(_LOOK_S), engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True
