"""The command `firstline preview`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from web.terminal import Articles, Data, fail, read_settings, warn

if TYPE_CHECKING:
    from web.preview.workshop import Workshop
    from web.settings import Settings

#: The first free one is taken where none is asked for; 8000 is the server's own.
_PORTS = range(8001, 8101)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MISSING = (
    "The preview needs the package watchfiles. Install Firstline with its build extra: pip install 'firstline[build]'"
)


def preview(
    path: Articles = None,
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="Port to listen on. [default: the first free one from 8001 on]", min=0, max=65535, show_default=False
        ),
    ] = 0,
    drafts: Annotated[
        bool, typer.Option("--drafts/--no-drafts", help="Show articles with `status: draft` too.")
    ] = True,
    poll: Annotated[
        bool, typer.Option("--poll", help="Look at the files again and again: for folders on another machine.")
    ] = False,
) -> None:
    """Show the help centre as the articles are on disk, and what a change does to the answers, while you write."""
    import logging
    import socket

    if find_spec("watchfiles") is None:
        fail(MISSING)
    from web.preview.serving import listen, open_workshop, serve
    from web.progress import progress

    settings = read_settings(articles=path, data=data)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        listening = listen(host, port, _PORTS)
    except OSError as error:
        fail(f"Cannot listen on {host}:{port or _PORTS.start}: {error.strerror}. Choose another port: --port 9000")
    if host not in _LOOPBACK:
        warn(f"everybody who reaches {host} can read all articles, internal ones and drafts too, without signing in.")
    with listening:
        with progress() as show:
            workshop = open_workshop(settings, drafts=drafts, progress=show)
        _print_address(settings, workshop, host, listening.getsockname()[1])
        serve(settings, workshop, listening, poll=poll, names=() if host in _LOOPBACK else (host, socket.gethostname()))


def _print_address(settings: Settings, workshop: Workshop, host: str, port: int) -> None:
    edition = workshop.edition
    drafts = f", {len(edition.drafts)} of them drafts" if edition.drafts else ""
    shown = f"[{host}]" if ":" in host else host
    typer.echo(
        f"""Preview of {settings.articles}: {len(edition.sheets):,} articles{drafts}

  http://{shown}:{port}/

What you save shows there at once. Nothing is recorded or sent.
Stop with Ctrl+C"""
    )
    sys.stdout.flush()
