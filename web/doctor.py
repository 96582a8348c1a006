"""The command `firstline doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from web.terminal import Data, Json, print_json

if TYPE_CHECKING:
    from web.examination import Finding


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Look whether everything the server needs is there and well, and say what mends what is not. Changes nothing.

    Exit code 1 where something fails; a warning is no failure.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from web.examination import Finding, examine
    from web.settings import SettingsError, load_settings

    found: list[Finding] = []
    try:
        settings = load_settings(data=data)
    except SettingsError as error:
        found.append(Finding("settings", "fail", str(error), "Mend them; docs/settings.md has all there are."))
        if not as_json:
            _show(found[0])
    else:
        for finding in examine(settings, datetime.now(UTC)):
            found.append(finding)
            if not as_json:
                _show(finding)
    failed = any(finding.state == "fail" for finding in found)
    if as_json:
        print_json({"ok": not failed, "checks": [asdict(finding) for finding in found]})
    sys.exit(1 if failed else 0)


def _show(finding: Finding) -> None:
    typer.echo(f"{finding.state:4}  {finding.name:11} {finding.said}")
    if finding.fix:
        typer.echo(f"{'':18}{finding.fix}")
