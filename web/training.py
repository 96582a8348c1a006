"""The command `firstline train`. Heavy imports stand inside, so that --help answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.terminal import Articles, Data, Json, fail, print_json, read_settings

if TYPE_CHECKING:
    from kb.snapshot import Snapshot
    from web.progress import Show
    from web.settings import Settings


def train(
    path: Articles = None,
    data: Data = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Go back to the encoder as it was before any training.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train the encoder on author questions and on what was learned. It is used only if it answers other questions
    better."""
    from kb.routing import models_for
    from web.progress import progress
    from web.sharing import open_in_use

    settings = read_settings(articles=path, data=data)
    snapshot = open_in_use(settings)
    _check_source(settings, snapshot)
    model = models_for(settings.model, snapshot.languages)[0]
    with progress() as show:
        done = _forget(settings, model, show) if forget else _train(settings, snapshot, model, show)
    if as_json:
        print_json(done)
        return
    for line in forgotten_lines(done) if forget else training_lines(done):
        typer.echo(line)
    typer.echo(f"Snapshot {done['snapshot']}")


def training_lines(
    figures: Mapping[str, Any],
    trained: str = "The trained encoder is used from now on.",
    before: str = "The encoder in use stays as it is.",
) -> Iterator[str]:
    """What a training did, for a person; `figures` as in `kb.trained.Trained`, then what follows from it."""
    low, high = figures["interval"]
    yield (
        f"Trained {figures['model']} on {figures['questions']:,} questions of {figures['articles']:,} articles "
        f"in {figures['seconds']:.0f} s."
    )
    yield (
        f"Of {figures['held_out']:,} other questions the right article came first for {figures['hit@1_before']:.1%} "
        f"before and for {figures['hit@1_after']:.1%} after."
    )
    change = f"The change of {figures['gain']:+.1%} (95 % interval {low:+.1%} to {high:+.1%})"
    if figures["published"]:
        yield f"{change} is more than chance. {trained}"
    else:
        yield f"{change} {'makes it worse' if high < 0 else 'may be chance'}. {before}"


def forgotten_lines(done: Mapping[str, Any]) -> Iterator[str]:
    """What going back did, for a person."""
    if done["forgotten"]:
        yield f"The trained encoder was removed: {done['model']} is used as it was before any training."
    else:
        yield f"{done['model']} was not trained. Nothing changed."


def _train(settings: Settings, snapshot: Snapshot, model: str, show: Show) -> dict[str, Any]:
    from kb.trained import fit, publish, remove_others
    from web.desk import open_learning

    store, engine = open_learning(settings)
    learned = store.active()
    engine.dispose()
    trained = fit(settings.data, model, snapshot, learned, progress=show)
    snapshot_id = snapshot.id
    if trained.encoder:
        with publish(settings.data, trained):
            snapshot_id = _build(settings, show)
        remove_others(settings.data, model)
    return {**trained.figures, "snapshot": snapshot_id}


def _forget(settings: Settings, model: str, show: Show) -> dict[str, Any]:
    from kb.trained import forget

    with forget(settings.data, model) as used:
        snapshot_id = _build(settings, show)
    return {"model": model, "forgotten": used, "snapshot": snapshot_id}


def _build(settings: Settings, show: Show) -> str:
    from kb.build import BuildSettings, build
    from web.sharing import place_to_publish

    with place_to_publish(settings) as place:
        return build(
            settings.articles,
            settings.data,
            BuildSettings(settings.model, settings.default_lang),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            progress=show,
            place=place,
        ).snapshot


def _check_source(settings: Settings, snapshot: Snapshot) -> None:
    """Training ends with a build: it must not publish other articles than those in use."""
    from kb.articles import source_files
    from kb.build import fingerprint_source

    source_files(settings.articles)
    if fingerprint_source(settings.articles, settings.data) != snapshot.manifest["inputs"]["source"]:
        fail(
            f"{settings.articles} is not what the snapshot {snapshot.id} was made of: it changed since, or it is "
            f"another folder. Index it first: firstline index {settings.articles} --data {settings.data}"
        )
