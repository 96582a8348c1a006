"""What the commands share: settings, and how they speak to a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from web.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", help="Folder of snapshots and database. [setting: data]")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Articles = Annotated[Path | None, typer.Argument(help="Folder of Markdown or a .jsonl file. [setting: articles]")]


def read_settings(**given: Any) -> Settings:
    """The settings, or the end of the program where they cannot be used."""
    from web.settings import SettingsError, load_settings

    try:
        return load_settings(**given)
    except SettingsError as error:
        fail(str(error))


def print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def warn(message: str) -> None:
    typer.echo(f"firstline: {message}", err=True)


def fail(message: str) -> NoReturn:
    warn(message)
    sys.exit(2)


def check_targets(*files: Path | None) -> None:
    """Ends the program where a file cannot be written: a run takes minutes, so this is told before it."""
    for file in filter(None, files):
        if file.is_dir():
            fail(f"{file} is a folder. Name a file to write.")
        if not file.parent.is_dir():
            fail(f"{file}: the folder {file.parent} does not exist. Make it first, or name another.")
