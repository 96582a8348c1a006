"""Trained encoders of a data folder, and which of them builds use.

DATA/trained/<base>/current          the version that builds use in place of the base (one line, replaced atomically)
                    <version>/report.json   what a training did; <version> is a hash of all it was made of
                              encoder/      the sentence-transformers folder, only where it was better

A training that was done before is never done again: its report and its encoder are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb import e5
from kb.corpus import Example, check_enough, folded, gather
from kb.embedding import HashEmbedder
from kb.errors import DataFolderError, EncoderError
from kb.export import KNOWN, MEND, describe, exported, find
from kb.learned import LearnedQuestion
from kb.scratch import scratch
from kb.snapshot import Snapshot
from kb.train import TrainReport, fine_tune

_REPORT_FILE = "report.json"
_ENCODER = "encoder"
_POINTER = "current"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A training of the encoder `model`; `encoder` is the folder it left, None where it was not better."""

    model: str
    version: str
    report: TrainReport
    encoder: Path | None

    @property
    def figures(self) -> dict[str, Any]:
        """As printed by --json; shares, and seconds that the training took."""
        report = self.report
        return {
            "model": self.model,
            "questions": report.questions,
            "articles": report.articles,
            "passages": report.passages,
            "held_out": len(report.held_out),
            "hit@1_before": round(sum(report.hits_before) / len(report.held_out), 4),
            "hit@1_after": round(sum(report.hits_after) / len(report.held_out), 4),
            "gain": round(report.gain, 4),
            "interval": [round(limit, 4) for limit in report.interval],
            "epochs": report.epochs,
            "best_epoch": report.best_epoch,
            "seconds": round(report.seconds, 1),
            "published": self.encoder is not None,
        }


def fit(
    data: Path,
    model: str,
    snapshot: Snapshot,
    learned: Sequence[LearnedQuestion],
    *,
    never: Collection[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> Trained:
    """Trains `model` on the questions of a snapshot and on learned ones, but on no text that stands in `never`.

    It starts from the model as it was before any training. Where this very training was done, that one is taken. Its
    encoder is kept if it is better; no build uses it before `publish`. Killed or refused by the disk at any moment, it
    leaves what was there. Raises TrainingDataError, EncoderError or DataFolderError.
    """
    if model == HashEmbedder.NAME:
        raise EncoderError(f"{model} has no weights that could be trained. Set another model and index the articles.")
    source = find(model)
    examples, passages = gather(snapshot, learned, source.languages)
    asked = {folded(text) for text in never}
    examples = [example for example in examples if folded(example.text) not in asked]
    check_enough(examples)
    version = _version(source.weights_sha256, examples, passages)
    target = _folder(data, model) / version
    if (known := _known(target)) and (not known.better or _is_whole(target / _ENCODER)):
        return _of(model, target, known)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch(target.parent, ".training-") as temporary:
            for part in ("source", "made", "old"):
                (temporary / part).mkdir()
            made = temporary / "made"
            folder = source.unpack(temporary / "source")
            report = fine_tune(folder, examples, passages, made / _ENCODER, progress=progress)
            if report.better:
                describe(made / _ENCODER, f"{source.name}-trained", source.languages)
            else:
                shutil.rmtree(made / _ENCODER, ignore_errors=True)
            (made / _REPORT_FILE).write_text(json.dumps(asdict(report)) + "\n", encoding="utf-8")
            _sync(made)
            if target.exists():  # damaged
                target.rename(temporary / "old" / version)
            made.rename(target)
    except OSError as error:
        raise _refused(target.parent, error) from error
    return _of(model, target, report)


@contextmanager
def publish(data: Path, trained: Trained) -> Iterator[None]:
    """Has builds use a trained encoder from the body on. Where the body raises, all is as it was before.

    Raises ValueError for a training that left no encoder, and DataFolderError.
    """
    if trained.encoder is None:
        raise ValueError("a training that was not better has no encoder to publish")
    with _pointing(_folder(data, trained.model), trained.version):
        yield


@contextmanager
def forget(data: Path, model: str) -> Iterator[bool]:
    """Has builds use the encoder as it was from the body on, and removes the trained ones at the end of it.

    Yields whether a trained one was in use. Where the body raises, all is as it was before. Raises DataFolderError.
    """
    folder = _folder(data, model)
    used = (folder / _POINTER).exists()
    with _pointing(folder, ""):
        yield used
    remove_others(data, model)
    shutil.rmtree(folder, ignore_errors=True)


def current(data: Path, model: str) -> Path | None:
    """The folder of the trained encoder that takes the place of `model`, or None where none was published.

    Its files are checked by `kb.export.find`. Raises EncoderError where it is not there.
    """
    folder = _folder(data, model)
    version = _pointed(folder)
    if version is None:
        return None
    encoder = folder / version / _ENCODER
    if not version or not (encoder / "modules.json").is_file():
        raise EncoderError(f"the trained encoder of {model} is damaged: {encoder} holds no modules.json. {MEND}")
    return encoder


def remove_others(data: Path, model: str) -> None:
    """Removes trained encoders of `model` that are not in use, with their exports: 200 MB for all-MiniLM-L6-v2."""
    folder = _folder(data, model)
    kept = _pointed(folder)
    for path in folder.glob("*/"):
        if path.name != kept and not path.name.startswith("."):
            with suppress(EncoderError):
                if (path / _ENCODER).exists():
                    shutil.rmtree(exported(find(str(path / _ENCODER)), data / "cache" / "encoders"), ignore_errors=True)
            shutil.rmtree(path, ignore_errors=True)


def _folder(data: Path, model: str) -> Path:
    """A folder of its own for each base; of two folders of one name each has its own as well."""
    if model in KNOWN or model == e5.NAME:
        return data / "trained" / model
    path = Path(model).expanduser().resolve()
    return data / "trained" / f"{path.name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"


def _version(weights: str, examples: Sequence[Example], passages: Sequence[tuple[str, str]]) -> str:
    """Names a training by all it depends on: weights, texts, and the code that trains."""
    digest = hashlib.sha256(weights.encode())
    for name in ("train.py", "corpus.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    texts = [[(example.text, example.article) for example in examples], list(passages)]
    digest.update(json.dumps(texts).encode())
    return digest.hexdigest()[:16]


def _of(model: str, folder: Path, report: TrainReport) -> Trained:
    return Trained(model, folder.name, report, folder / _ENCODER if report.better else None)


def _known(folder: Path) -> TrainReport | None:
    try:
        values = json.loads((folder / _REPORT_FILE).read_text(encoding="utf-8"))
        lists = ("held_out", "hits_before", "hits_after")
        return TrainReport(**{**values, **{name: tuple(values[name]) for name in lists}})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _is_whole(encoder: Path) -> bool:
    try:
        return bool(find(str(encoder)))
    except EncoderError:
        return False


# --- the pointer ---------------------------------------------------------------------------------------------------


@contextmanager
def _pointing(folder: Path, version: str) -> Iterator[None]:
    """Points to a version ("" for none); back to the one before where the body raises, by Ctrl+C too."""
    before = _pointed(folder)
    try:
        _point(folder, version)
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        yield
    except BaseException:
        with suppress(OSError):
            _point(folder, before or "")
        raise


def _pointed(folder: Path) -> str | None:
    try:
        return (folder / _POINTER).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):  # a data folder that is none is told by whoever writes there
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def _point(folder: Path, version: str) -> None:
    if not version:
        (folder / _POINTER).unlink(missing_ok=True)
        return
    temporary = folder / f".{_POINTER}-{os.getpid()}"
    with temporary.open("w", encoding="ascii") as file:
        file.write(version + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, folder / _POINTER)  # noqa: PTH105 - the atomic one


def _sync(folder: Path) -> None:
    """Has the disk keep the files before a pointer leads to them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _refused(folder: Path, error: OSError) -> DataFolderError:
    return DataFolderError(
        f"{error.filename or folder} cannot be written: {error.strerror or error}. It has to be in a folder this user "
        "may write to, with room on its disk. The encoder in use stays as it is."
    )
