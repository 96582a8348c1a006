"""The command `firstline`. Heavy imports stand inside the commands, so that --help answers at once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.errors import BotError
from kb.errors import KbError
from web import gaps_commands, people_commands, publishing_commands
from web.checking import check
from web.mcp.stdio import mcp
from web.preview.command import preview
from web.report_commands import reports
from web.terminal import Articles, Data, Json, fail, print_json, read_settings, warn
from web.testing import run_test
from web.training import train, training_lines

if TYPE_CHECKING:
    from bot.comparison import Comparison
    from bot.evaluate import Evaluation
    from kb.build import BuildReport
    from web.settings import Settings

app = typer.Typer(
    name="firstline",
    help="The first line of a help desk: a knowledge base and self-service answer bot.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("test")(run_test)
app.command()(train)
app.command()(check)
app.command()(mcp)
app.add_typer(gaps_commands.gaps, name="gaps")
app.command()(preview)
app.command()(reports)
app.command()(publishing_commands.pull)
app.command()(publishing_commands.rollback)
app.command()(publishing_commands.publications)
app.add_typer(people_commands.people, name="people")
app.add_typer(people_commands.token, name="token")

#: No list is longer.
_EVERY_ROW = 2**31


def main() -> None:
    """Runs the command line; an error the program knows ends with its message and exit code 2."""
    try:
        app()
    except (KbError, BotError) as error:
        fail(str(error))
    except BrokenPipeError:  # the reader of our output went away
        sys.exit(0)
    except OSError as error:
        fail(f"{error.filename or 'The disk'}: {error.strerror}. Check that the folder exists and can be written.")


@app.command()
def index(
    path: Articles = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Index articles into a new snapshot and switch to it. Embeds only what changed."""
    import time
    from datetime import UTC, datetime

    from kb.build import BuildSettings, build
    from kb.published import in_use
    from web.progress import progress

    settings = read_settings(articles=path, data=data)
    started, began, before = time.monotonic(), datetime.now(UTC), in_use(settings.data)
    with progress() as show:
        report = build(
            settings.articles,
            settings.data,
            BuildSettings(settings.model, settings.default_lang),
            created=began.isoformat(timespec="seconds"),
            progress=show,
        )
    publishing_commands.record_index(settings, before, began, report)
    seconds = round(time.monotonic() - started, 2)
    for entry in report.skipped:
        if not entry.harmless or as_json:
            typer.echo(str(entry), err=True)
    if as_json:
        print_json(
            {
                "snapshot": report.snapshot,
                "articles": report.articles,
                "skipped": len(report.skipped),
                "passages": report.passages,
                "embedded": report.embedded,
                "seconds": seconds,
            }
        )
    else:
        _print_report(report, seconds)


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve the help centre, the widget and the API."""
    import logging

    import uvicorn

    from web.app import create_app, open_accounts, open_desk

    settings = read_settings(data=data)
    _check_port(host, port)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    desk, engine = open_desk(settings)
    accounts, base = open_accounts(engine), f"http://{host}:{port}"
    _print_addresses(settings, desk.library.searcher.snapshot.manifest["counts"], base, accounts.setup_link())
    app = create_app(settings, desk, engine, accounts)
    # Whose word about the client's address counts is a setting of ours: the application looks at it itself.
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, proxy_headers=False)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    data: Data = None,
    lang: Annotated[str | None, typer.Option(help="Your language, where the question does not tell.")] = None,
    as_json: Json = False,
) -> None:
    """Ask one question, as the API would answer it."""
    from bot.models import Question
    from web.app import open_desk
    from web.schemas import ReplyOut

    desk, engine = open_desk(read_settings(data=data))
    reply = desk.ask(Question(question, lang=lang, channel="cli"))
    engine.dispose()
    if as_json:
        print_json(ReplyOut.of(reply).model_dump())
        return
    if reply.corrected:
        typer.echo(f"Understood as: {reply.corrected}")
    if reply.answer:
        typer.echo(f"{reply.answer.title}\n\n{reply.answer.text}\n\n{reply.answer.path}")
    elif not reply.suggestions:
        typer.echo("I don't know this one yet. Your question goes to the people who write the articles.")
    if reply.between:
        typer.echo("Which of these do you mean?")
    for suggestion in reply.between or reply.suggestions:
        typer.echo(f"- {suggestion.title}  {suggestion.path}")
    typer.echo(f"({reply.decision}, confidence {reply.confidence:.2f})", err=True)


@app.command()
def evaluate(
    articles: Annotated[Path, typer.Option(help="Folder of Markdown or a .jsonl file.")],
    queries: Annotated[Path, typer.Option(help='JSONL of {"id", "query", "body"?, "relevant", "lang"?}.')],
    learn: Annotated[
        Path | None, typer.Option(help="Learn from this file of solved tickets first; of the form of --queries.")
    ] = None,
    train_first: Annotated[
        bool, typer.Option("--train", help="Train the encoder first, on author questions and what --learn gave.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Encoder. [setting: model]")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Write one line a query to this file.")] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Say what rose and fell since an earlier run: the file its --predictions wrote.")
    ] = None,
    by: Annotated[Literal["lang"] | None, typer.Option(help="The figures of each language too.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write charts and the mistakes to read to this HTML file.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Keep the snapshot here. [default: a cache]")] = None,
    as_json: Json = False,
) -> None:
    """Measure hit@k, MRR, answers right and wrong, calibration and speed on questions with known articles."""
    from dataclasses import asdict

    from bot.comparison import compare as compare_runs
    from bot.evaluate import run
    from bot.metrics import by_language
    from bot.predictions import predictions as of_run
    from bot.predictions import read_predictions, write_predictions
    from kb.build import BuildSettings
    from web import evaluation as text
    from web.progress import progress

    settings = read_settings(model=model, data=data)
    _check_targets(predictions, report)
    earlier = read_predictions(compare) if compare else None
    folder = settings.data if data else settings.data / "evaluate"
    with progress() as show:
        result = run(
            articles,
            queries,
            folder,
            BuildSettings(settings.model, settings.default_lang),
            settings.policy,
            learn=learn,
            train=train_first,
            progress=show,
        )
    if result.learned:
        for line in text.learned_lines(result.learned, str(learn)):
            warn(line)
    if result.trained:
        for line in training_lines(result.trained, "Asking it.", "Asking the encoder as it was."):
            warn(line)
    if result.unknown_relevant:
        names = text.listed(result.unknown_relevant)
        warn(f"{queries}: no article has {len(result.unknown_relevant)} of the ids in `relevant`: {names}")
    asked = [outcome.asked for outcome in result.outcomes]
    compared = compare_runs(asked, earlier, of_run(result.outcomes)) if earlier else None
    if predictions:
        write_predictions(result.outcomes, predictions)
    if report:
        _write_report(report, result, compared, articles, queries, settings.model)
    languages = by_language(result.outcomes) if by else None
    if as_json:
        extra = {"by": {"lang": languages} if languages else None, "compare": compared and compared.as_json()}
        print_json(
            {
                **result.metrics,
                "unknown_relevant": list(result.unknown_relevant),
                **({"learned": asdict(result.learned)} if result.learned else {}),
                **({"train": result.trained} if result.trained else {}),
                **{name: value for name, value in extra.items() if value},
            }
        )
        return
    for line in text.figure_lines(result.metrics):
        typer.echo(line)
    if languages:
        typer.echo("\n" + "\n".join(text.language_lines(languages)))
    if compared and compare:
        typer.echo("\n" + "\n".join(text.comparison_lines(compared, str(compare))))


def _check_targets(*files: Path | None) -> None:
    """A run takes minutes: what cannot be written is told before it."""
    for file in filter(None, files):
        if file.is_dir():
            fail(f"{file} is a folder. Name a file to write.")
        if not file.parent.is_dir():
            fail(f"{file}: the folder {file.parent} does not exist. Make it first, or name another.")


def _write_report(
    file: Path, result: Evaluation, compared: Comparison | None, articles: Path, queries: Path, model: str
) -> None:
    from datetime import UTC, datetime

    from web.evaluation_report import About, render

    about = About(articles.resolve().name, queries.resolve().name, model, datetime.now(UTC))
    file.write_text(render(result, about, compared), encoding="utf-8")


@app.command()
def learn(
    file: Annotated[
        Path,
        typer.Argument(help='JSONL of solved tickets: {"id", "query", "body"?, "relevant", "lang"?, "created"?}.'),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Learn from solved tickets which article answered which question. The same file twice changes nothing."""
    from datetime import UTC, datetime

    from bot.past_tickets import import_past_tickets
    from kb.snapshot import open_current
    from web.app import open_learning

    settings = read_settings(data=data)
    articles = {entry.article.id for entry in open_current(settings.data).entries}
    store, engine = open_learning(settings)
    done = import_past_tickets(file, store, articles, datetime.now(UTC))
    engine.dispose()
    if done.unknown_articles:
        _print_unknown(done.unknown_articles)
    if as_json:
        print_json(
            {
                "rows": done.rows,
                "new": done.counts.new,
                "known": done.counts.known,
                "removed": done.counts.removed,
                "without_article": done.without_article,
                "skipped": done.skipped,
                "unknown_articles": [article for article, _ in done.unknown_articles],
            }
        )
        return
    typer.echo(f"{done.rows:,} rows: {done.counts.new:,} questions learned, {done.counts.known:,} known before")
    for count, words in (
        (done.counts.removed, "were removed by an author and stay so"),
        (done.without_article, "rows name no article"),
        (done.skipped, "rows are skipped, since they name an article that is not there"),
    ):
        if count:
            typer.echo(f"  {count:,} {words}")


@app.command()
def learned(
    data: Data = None,
    article: Annotated[str, typer.Option(metavar="ID", help="Only of this article.")] = "",
    source: Annotated[
        Literal["agent", "imported", "end_user"] | None, typer.Option(help="Only what they said.")
    ] = None,
    status: Annotated[Literal["active", "pending", "removed"] | None, typer.Option(help="Only these.")] = None,
    remove: Annotated[str, typer.Option(metavar="ID", help="Remove this one; it stays removed.")] = "",
    restore: Annotated[str, typer.Option(metavar="ID", help="Undo the removal of this one.")] = "",
    accept: Annotated[str, typer.Option(metavar="ID", help="Agree with this one, which end users said.")] = "",
    as_json: Json = False,
) -> None:
    """List what was learned, or remove, restore or accept one. A running server follows within two seconds."""
    from bot.learning import Listing
    from web.app import open_learning
    from web.learned_schemas import LearnedListOut, LearnedOut

    given = {name: value for name, value in (("remove", remove), ("restore", restore), ("accept", accept)) if value}
    if len(given) > 1:
        fail(f"--{' and --'.join(given)} cannot be given together. Run the command once for each.")
    store, engine = open_learning(read_settings(data=data))
    changes = {"remove": store.remove, "restore": store.restore, "accept": store.accept}
    try:
        if given:
            found = Listing(1, tuple(changes[name](learned_id) for name, learned_id in given.items()))
        else:
            found = store.find(article=article, source=source, status=status, limit=_EVERY_ROW)
    finally:
        engine.dispose()
    if as_json:
        rows = [LearnedOut.of(row) for row in found.rows]
        print_json(LearnedListOut(total=found.total, learned=rows).model_dump(mode="json"))
        return
    for row in found.rows:
        typer.echo(f"{row.id}  {row.status:7}  {row.source:8}  {row.article}  {' '.join(row.text.split())}")
    if not found.rows:
        typer.echo("Nothing was learned that fits.", err=True)


def _print_unknown(articles: Sequence[tuple[str, int]]) -> None:
    """The first ten, each with the number of rows that name it."""
    names = ", ".join(f"{article} ({count})" for article, count in articles[:10])
    more = f" and {len(articles) - 10:,} more" if len(articles) > 10 else ""
    typer.echo(f"{len(articles):,} ids that no article has (rows): {names}{more}", err=True)


def _print_report(report: BuildReport, seconds: float) -> None:
    typer.echo(f"{report.files} files: {report.articles} articles, {len(report.skipped)} skipped")
    for reason, count in Counter(entry.reason for entry in report.skipped).most_common():
        typer.echo(f"  {count} × {reason}")
    if report.changed:
        typer.echo(f"{report.passages} passages, {report.embedded} embedded, {seconds} s")
    else:
        typer.echo(f"Nothing changed ({seconds} s)")
    typer.echo(f"Snapshot {report.snapshot}")


def _print_addresses(settings: Settings, counts: dict[str, int], base: str, setup: str) -> None:
    from web.settings import settings_file

    file = settings_file()
    first = f"""
Nobody can sign in yet. This link makes you the administrator; it works once, for 24 hours:
  {settings.base_url or base}/setup/{setup}
"""
    typer.echo(
        f"""{settings.site_name or "Help centre"}: {counts["articles"]} articles

  Help centre   {base}/
  Ask           {base}/search
  Ticket form   {base}/ticket
  Widget demo   {base}/widget
  Inbox         {base}/inbox
  Authors       {base}/authors
  API           {base}/api

Settings from {file.resolve() if file.is_file() else f"the environment: there is no {file} here"}
{first if setup else ""}
Stop with Ctrl+C"""
    )
    sys.stdout.flush()


def _check_port(host: str, port: int) -> None:
    import errno
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                fail(f"Port {port} on {host} is in use. Stop the other program, or choose another: --port {port + 1}")
            fail(f"Cannot listen on {host}:{port}: {error.strerror}.")
