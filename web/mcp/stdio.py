"""The Model Context Protocol on standard input and output, for programs on the same machine."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.mcp import MISSING
from web.terminal import Data, fail, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mcp.server import MCPServer

TOKEN_VARIABLE = "FIRSTLINE_TOKEN"  # noqa: S105 - a name, not a token


def mcp(
    data: Data = None,
    token: Annotated[
        str, typer.Option(help=f"An API token, to read more than the public does. [environment: {TOKEN_VARIABLE}]")
    ] = "",
) -> None:
    """Serve the help desk to a language model on standard input and output (MCP)."""
    import logging

    from web.app import create_app
    from web.desk import open_desk
    from web.problems import ApiError

    if find_spec("mcp") is None:
        fail(MISSING)
    # Standard output belongs to the protocol.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    settings = read_settings(data=data)
    desk, engine = open_desk(settings)
    try:
        made = local_server(create_app(settings, desk, engine), token or os.environ.get(TOKEN_VARIABLE, ""))
        made.run("stdio")
    except ApiError as error:
        fail(error.detail)
    finally:
        engine.dispose()


def local_server(app: FastAPI, token: str) -> MCPServer[Any]:
    """The tools for whoever holds a token, the public where it is empty. Raises ApiError 401 where it is nobody's.

    Each call comes from a request that nobody sent: so tokens and limits are looked at as they are over HTTP, and a
    token that was revoked or expired meanwhile opens nothing.
    """
    from fastapi import Request
    from mcp.server.mcpserver.exceptions import ToolError

    from web.mcp.tools import server
    from web.problems import ApiError
    from web.programs import program

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())] if token else [],
        "server": ("localhost", 80),
        "client": None,
        "app": app,
    }

    def asking() -> Request:
        request = Request({**scope, "state": {}})
        program(request)
        return request

    def called(_ctx: object) -> Request:
        try:
            return asking()
        except ApiError as error:
            raise ToolError(error.detail) from None

    asking()
    return server(called, app.state.settings.site_name or "Help centre")
