"""The command `firstline check`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from web.check_settings import check_settings
from web.terminal import Articles, Data, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    from kb.check import Finding, Report
    from kb.check.pages import Pages
    from web.settings import Settings

#: One template without words for its pictures makes hundreds of warnings, between which the others are not seen.
_MOST = 20

Format = Literal["text", "json", "github"]


def check(
    path: Articles = None,
    format_: Annotated[
        Format, typer.Option("--format", help="For people, for programs, or as annotations of GitHub Actions.")
    ] = "text",
    fix: Annotated[bool, typer.Option("--fix", help="Mend what cannot change the meaning, then check again.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
    off: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Leave this rule out; may be repeated. [setting: check_off]"),
    ] = None,
    near_duplicates: Annotated[
        bool, typer.Option("--near-duplicates", help="Look for articles that say the same too; embeds what is new.")
    ] = False,
    data: Data = None,
    all_: Annotated[
        bool, typer.Option("--all", help=f"Print every warning, not {_MOST} of each rule; for the text format.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the front matter, and check nothing.")
    ] = False,
) -> None:
    """Check articles: front matter, ids, links, pictures, headings, translations, secrets. Exit code 1 on errors."""
    if schema:
        _print_schema()
        return
    from datetime import date

    from kb.check import check as run
    from kb.check import mend

    settings = read_settings(articles=path, data=data)
    given = check_settings(settings, strict, off or ())
    alike = _alike(settings) if near_duplicates else None
    report = run(settings.articles, given, today=date.today(), near_duplicates=alike)
    mended: set[str] = set()
    # A link that leads somewhere now may name a heading that only then can be looked for.
    for _ in range(3 if fix and settings.articles.is_dir() else 0):
        done = mend(settings.articles, report.findings)
        for name in done.files:
            unsaved = "; it had changes that are not committed" if name in done.uncommitted else ""
            if name not in mended:
                warn(f"mended {_shown(settings.articles, name)}{unsaved}")
            mended.add(name)
        if not done.findings:
            break
        report = run(settings.articles, given, today=date.today(), near_duplicates=alike)
    if format_ == "json":
        print_json(report.as_json())
    else:
        for line in (
            _lines(report, settings.articles, all_ or strict)
            if format_ == "text"
            else _annotations(report, settings.articles)
        ):
            typer.echo(line)
    sys.exit(1 if report.failed else 0)


def _alike(settings: Settings) -> Callable[[Pages], Iterator[Finding]]:
    """Looks for near duplicates with the encoders and vectors of the index."""
    import sqlite3

    from kb.check.near_duplicates import near_duplicates
    from web.progress import progress

    def look(pages: Pages) -> Iterator[Finding]:
        try:
            with progress() as show:
                yield from near_duplicates(pages, settings.data, settings.model, show)
        except sqlite3.Error as error:
            fail(f"The vectors in {settings.data} cannot be used: {error}. Delete cache/vectors.db there.")

    return look


def _print_schema() -> None:
    from kb.check.front_matter import SCHEMA

    typer.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)


def _lines(report: Report, source: Path, whole: bool) -> Iterator[str]:
    """A line a finding, then how many each rule has. Unless `whole`, of warnings the first few of each rule."""
    left: Counter[str] = Counter()
    printed: Counter[str] = Counter()
    for finding in report.findings:
        if finding.severity == "warning" and not whole and printed[finding.rule] >= _MOST:
            left[finding.rule] += 1
            continue
        printed[finding.rule] += finding.severity == "warning"
        place = _shown(source, finding.path)
        where = f"{place}:{finding.line}" if finding.line else place
        yield f"{where}: {finding.severity}: {finding.message} {finding.fix} [{finding.rule}]"
    if report.findings:
        yield ""
    yield f"{report.files:,} files: {_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
    for rule, count in report.rules().items():
        yield f"  {count:,} × {rule}" + (f" ({left[rule]:,} of them not printed: --all)" if left[rule] else "")
    fixable = sum(finding.edit is not None for finding in report.findings)
    if fixable:
        yield f"{fixable:,} can be mended with --fix"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _annotations(report: Report, source: Path) -> Iterator[str]:
    """Workflow commands of GitHub Actions, which shows them beside the lines of a pull request."""
    # GitHub shows the first ten errors and the first ten warnings of a step: of each rule some, not ten of one.
    seen: Counter[str] = Counter()
    turns: dict[Finding, int] = {}
    for finding in report.findings:
        seen[finding.rule] += 1
        turns[finding] = seen[finding.rule]
    for finding in sorted(report.findings, key=lambda finding: turns[finding]):
        line = f",line={finding.line}" if finding.line else ""
        file = _property(_shown(source, finding.path))
        title = _property(finding.rule)
        yield f"::{finding.severity} file={file}{line},title={title}::{_text(f'{finding.message} {finding.fix}')}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")


def _shown(source: Path, path: str) -> str:
    """The path of a file from the folder the command runs in."""
    whole = source.parent / path if source.is_file() else source / path
    try:
        return PurePath(whole).relative_to(Path.cwd()).as_posix() if whole.is_absolute() else whole.as_posix()
    except ValueError:
        return whole.as_posix()
