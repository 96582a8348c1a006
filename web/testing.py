"""The command `firstline test`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from web.annotations import annotation
from web.terminal import Articles, Data, Json, check_targets, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    from kb.expect import Comparison, Run
    from kb.expect.report import Shown
    from web.progress import Show
    from web.settings import Settings

Format = Literal["text", "github"]


def run_test(
    path: Articles = None,
    data: Data = None,
    k: Annotated[
        int | None,
        typer.Option("--k", min=1, max=10, help="A question passes among the first k articles. [setting: test_k]"),
    ] = None,
    only: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Ask what stands in this file or folder alone; may be repeated."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Compare with a branch or commit; only what the change makes worse fails."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="With --base: what failed before fails too.")] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the outcome as JUnit XML too.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="For people, or with annotations of GitHub Actions after it.")
    ] = "text",
    as_json: Json = False,
) -> None:
    """Test that every question of an article finds it, and no `not_for` does. Nothing is published."""
    from kb.expect import compare, document
    from kb.expect import report as text
    from kb.expect.junit import junit as as_junit
    from web.progress import progress

    settings = read_settings(articles=path, data=data, test_k=k)
    if base is not None and not base.strip():
        fail("--base is empty. Name a branch or a commit: --base origin/main")
    if strict and base is None:
        fail("--strict needs --base: without it, everything that fails counts anyway.")
    if as_json and format_ != "text":
        fail("--json and --format exclude each other. Name one of them.")
    source = settings.articles
    if source.is_file() and source.suffix in (".md", ".markdown"):
        fail(
            f"{source} is one article, which is tested among its neighbours. Name the folder of all articles, and this "
            f"one beside it: firstline test {source.parent} --only {source}"
        )
    wanted = _wanted(source, only or [])
    check_targets(junit)
    with progress() as show:
        after, before, commit = _runs(settings, base, wanted, show)
    comparison = None if before is None else compare(before, after)
    failed = after.failed if comparison is None or strict else comparison.failed

    def shown(name: str) -> str:
        return (source / name if source.is_dir() else source.parent / name).as_posix()

    if junit:
        junit.write_text(as_junit(after, shown, comparison, strict), encoding="utf-8")
    if as_json:
        compared = comparison and {"ref": base, "commit": commit, **document.comparison_json(comparison)}
        print_json({**document.run_json(after), **({"base": compared} if compared else {}), "ok": not failed})
    else:
        against = f"{base}" if base and commit.startswith(base) else f"{base} ({commit[:7]})"
        lines = (
            text.run_lines(after, shown)
            if comparison is None
            else text.comparison_lines(comparison, after, against, shown, strict)
        )
        for line in lines:
            typer.echo(line)
        for line in _annotations(after, None if strict else comparison, shown) if format_ == "github" else ():
            typer.echo(line)
    if not after.outcomes:
        warn(_nothing_asked(source, only or [], bool(after.articles)))
    if failed:
        raise typer.Exit(1)


def _wanted(source: Path, only: list[Path]) -> Callable[[str], bool] | None:
    """Whether the entries of a file below the source are asked; None where all are."""
    root = (source if source.is_dir() else source.parent).resolve()
    named = []
    for path in only:
        # As the shell completes it, or as the articles name each other.
        found = next((p.resolve() for p in (path, root / path) if p.exists()), None)
        if found is None:
            fail(f"--only {path} does not exist. Name a file or a folder of {source}.")
        if not found.is_relative_to(root):
            fail(f"--only {path} is not in {source}. Name a file or a folder of it.")
        named.append(found.relative_to(root))
    return (lambda name: any(Path(name).is_relative_to(part) for part in named)) if named else None


def _nothing_asked(source: Path, only: list[Path], articles: bool) -> str:
    where = f"No article of {source}" if not only else f"No article in {' or '.join(map(str, only))}"
    return f"{where} has `questions` or `not_for`: nothing was tested." if articles else f"{source} has no article."


def _annotations(run: Run, comparison: Comparison | None, shown: Shown) -> Iterator[str]:
    """What fails, beside the lines of a pull request; a theft beside the thief too, whose file is part of it."""
    from kb.expect import report

    if comparison is None:
        failures, untested = run.failures, run.untested
    else:
        lost = [pair.after for pair in comparison.worse]
        failures = (*(theft.victim.after for theft in comparison.stolen), *lost, *comparison.new_failing)
        untested = comparison.untested
        for thief, words in report.thieves(comparison, shown):
            yield annotation("error", shown(thief.path), 0, "stolen questions", words)
    for one in untested:
        yield annotation("error", shown(one.path), one.line, "not tested", f"{one.reason}: {one.detail} {one.fix}")
    for outcome in failures:
        words = report.whole(outcome, shown)
        yield annotation("error", shown(outcome.path), outcome.line, f"failing {outcome.kind}", words)


def _runs(
    settings: Settings, ref: str | None, wanted: Callable[[str], bool] | None, show: Show
) -> tuple[Run, Run | None, str]:
    """The run over the articles, and with a ref that over what they were and the id of the commit."""
    import shutil

    from kb.build import fingerprint_source
    from kb.errors import EvaluationFileError, SourceError
    from kb.expect.base import base
    from kb.expect.outcomes import nothing

    source, folder = settings.articles, settings.data / "tested"
    if ref is None:
        after, before, commit = _run(settings, source, folder, wanted, show), None, ""
    else:
        with base(source, ref, folder) as then:
            if then.left:
                warn(f"{ref} has other commits since: compared with {then.commit[:7]}, where this branch left it.")
            after, commit = _run(settings, source, folder, wanted, show), then.commit
            if then.source is None:
                before = nothing(after.k)
            elif fingerprint_source(then.source, settings.data) == fingerprint_source(source, settings.data):
                before = after
            else:
                try:
                    before = _run(settings, then.source, folder, wanted, show)
                except (SourceError, EvaluationFileError) as error:
                    warn(f"The articles at {ref} cannot be read, so all questions count as new. {error}")
                    before = nothing(after.k)
    # The next run will most likely have the same base; older ones would pile up.
    for old in folder.iterdir():
        if old.name[0] != "." and old.name not in {run.snapshot for run in (after, before) if run}:
            shutil.rmtree(old, ignore_errors=True)
    return after, before, commit


def _run(settings: Settings, source: Path, folder: Path, wanted: Callable[[str], bool] | None, show: Show) -> Run:
    from kb.build import BuildSettings, make
    from kb.expect.kept import asked
    from kb.snapshot import open_snapshot

    report = make(
        source,
        settings.data,
        BuildSettings(settings.model, settings.default_lang),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        progress=show,
        into=folder,
    )
    made = folder / report.snapshot
    return asked(open_snapshot(made), made, settings.test_k, source, show, wanted)
