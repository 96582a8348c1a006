"""The command `firstline evaluate`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from web.terminal import Json, check_targets, print_json, read_settings, warn
from web.training import training_lines

if TYPE_CHECKING:
    from bot.comparison import Comparison
    from bot.evaluate import Evaluation


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
    check_targets(predictions, report)
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


def _write_report(
    file: Path, result: Evaluation, compared: Comparison | None, articles: Path, queries: Path, model: str
) -> None:
    from datetime import UTC, datetime

    from web.evaluation_report import About, render

    about = About(articles.resolve().name, queries.resolve().name, model, datetime.now(UTC))
    file.write_text(render(result, about, compared), encoding="utf-8")
