"""The command `firstline test`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.terminal import Articles, Data, Json, check_targets, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    from kb.expect import Run
    from web.progress import Show
    from web.settings import Settings


def run_test(
    path: Articles = None,
    data: Data = None,
    k: Annotated[
        int | None,
        typer.Option("--k", min=1, max=10, help="A question passes among the first k articles. [setting: test_k]"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Compare with a branch or commit; only what the change makes worse fails."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="With --base: what failed before fails too.")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the outcome as JUnit XML too.")] = None,
    as_json: Json = False,
) -> None:
    """Test that every question of an article finds it, and no `not_for` does. Nothing is published."""
    from kb.expect import compare
    from kb.expect import report as text
    from kb.expect.junit import junit as as_junit
    from web.progress import progress

    settings = read_settings(articles=path, data=data, test_k=k)
    if base is not None and not base.strip():
        fail("--base is empty. Name a branch or a commit: --base origin/main")
    if strict and base is None:
        fail("--strict needs --base: without it, everything that fails counts anyway.")
    check_targets(junit)
    with progress() as show:
        after, before, commit = _runs(settings, base, show)
    comparison = None if before is None else compare(before, after)
    failed = after.failed if comparison is None or strict else comparison.failed

    def shown(name: str) -> str:
        return (settings.articles / name if settings.articles.is_dir() else settings.articles.parent / name).as_posix()

    if junit:
        junit.write_text(as_junit(after, shown, comparison, strict), encoding="utf-8")
    if as_json:
        compared = comparison and {"ref": base, "commit": commit, **text.comparison_json(comparison)}
        print_json({**text.run_json(after), **({"base": compared} if compared else {}), "ok": not failed})
    elif comparison is None:
        for line in text.run_lines(after, shown):
            typer.echo(line)
    else:
        for line in text.comparison_lines(comparison, after, f"{base} ({commit[:7]})", shown):
            typer.echo(line)
    if not after.outcomes:
        warn(f"No article of {settings.articles} has `questions` or `not_for`: nothing was tested.")
    if failed:
        raise typer.Exit(1)


def _runs(settings: Settings, ref: str | None, show: Show) -> tuple[Run, Run | None, str]:
    """The run over the articles, and with a ref that over what they were and the id of the commit."""
    import shutil

    from kb.build import fingerprint_source
    from kb.errors import EvaluationFileError, SourceError
    from kb.expect.base import base
    from kb.expect.outcomes import nothing

    source, folder = settings.articles, settings.data / "tested"
    if ref is None:
        after, before, commit = _run(settings, source, folder, show), None, ""
    else:
        with base(source, ref, folder) as then:
            after, commit = _run(settings, source, folder, show), then.commit
            if then.source is None:
                before = nothing(after.k)
            elif fingerprint_source(then.source, settings.data) == fingerprint_source(source, settings.data):
                before = after
            else:
                try:
                    before = _run(settings, then.source, folder, show)
                except (SourceError, EvaluationFileError) as error:
                    warn(f"The articles at {ref} cannot be read, so all questions count as new. {error}")
                    before = nothing(after.k)
    # The next run will most likely have the same base; older ones would pile up.
    for old in folder.iterdir():
        if old.name[0] != "." and old.name not in {run.snapshot for run in (after, before) if run}:
            shutil.rmtree(old, ignore_errors=True)
    return after, before, commit


def _run(settings: Settings, source: Path, folder: Path, show: Show) -> Run:
    from kb.build import BuildSettings, make
    from kb.expect import run
    from kb.snapshot import open_snapshot

    report = make(
        source,
        settings.data,
        BuildSettings(settings.model, settings.default_lang),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        progress=show,
        into=folder,
    )
    return run(open_snapshot(folder / report.snapshot), settings.test_k, source, show)
