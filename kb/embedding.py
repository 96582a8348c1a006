"""The `Embedder` seam, and the exported encoder that serves it without torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.batching import Batches
from kb.errors import EncoderError
from kb.tokenizer import open_tokenizer

Vectors = NDArray[np.float32]

GRAPH_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
SPEC_FILE = "encoder.json"
#: Of texts that are read together. Those of a batch have to fit the processor's inner cache between two operations: 16
#: passages of 200 tokens at once took up to 1.4 times as long as one by one, 8 titles at once a third less.
_BATCH_TOKENS = 128


class Embedder(Protocol):
    """Turns texts into unit vectors. Questions and passages may be read differently, so each has its own method."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Names these exact weights and how they are read: equal fingerprints give equal vectors."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it reads well; empty for all."""
        ...

    @property
    def unrelated(self) -> float:
        """The mean cosine of two texts that have nothing to do with each other: near 0, or as high as .8."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest text in tokens that is read whole; what is longer is cut."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension), rows of length 1."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension), rows of length 1."""
        ...

    def count_tokens(self, text: str) -> int:
        """Length of `text` in tokens, the encoder's own start and end marks not counted."""
        ...

    def knows_word(self, word: str) -> bool:
        """Whether the encoder has a token of its own for `word`: a common word, hence no typing error."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """How an encoder is read; stands as `encoder.json` beside its graph and tokenizer (the fake one has neither).

    `languages` are the languages it is meant for, empty for all. `weights_sha256` names the weights it was exported
    from, `graph_sha256` and `tokenizer_sha256` the files beside it; `recipe` counts the ways it was exported.
    `unrelated` is as in Embedder.
    """

    name: str
    dimension: int
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    languages: tuple[str, ...]
    weights_sha256: str
    graph_sha256: str
    tokenizer_sha256: str
    recipe: int
    unrelated: float
    kind: Literal["onnx", "fake"] = "onnx"

    @property
    def fingerprint(self) -> str:
        """Of what is read and how, not of the exported file: two machines may export the same weights differently."""
        values = {key: value for key, value in asdict(self).items() if key not in ("graph_sha256", "unrelated")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def write(self, folder: Path) -> None:
        temporary = folder / f".{SPEC_FILE}-{os.getpid()}"
        temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, folder / SPEC_FILE)  # noqa: PTH105 - the atomic one

    @classmethod
    def read(cls, folder: Path) -> EncoderSpec:
        """Raises EncoderError where the folder holds no exported encoder."""
        try:
            values: dict[str, Any] = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
            return cls(**{**values, "languages": tuple(values["languages"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise EncoderError(f"{folder} holds no exported encoder ({error}). Build the snapshot again.") from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class OnnxEmbedder:
    """An exported encoder on ONNX Runtime; opening it takes about 0.1 s and no torch.

    One text is read on one thread, which is fastest for a question and leaves the other cores to other requests; of
    many, `threads` are read at once. Questions that come at once share a call.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        import onnxruntime

        self.spec = EncoderSpec.read(folder)
        self._threads, self._questions = threads, Batches(self._embed)
        options = onnxruntime.SessionOptions()
        # More texts at once, not more threads a text: two that wait for each other after every operation took twice the
        # processor time on a busy machine.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._tokenizer = open_tokenizer(folder / TOKENIZER_FILE)
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH_FILE),
                options,
                providers=["CPUExecutionProvider"],
                # Slower than the two kernels it fuses: a short question takes 1.4 ms with it, 1.2 without.
                disabled_optimizers=["SkipLayerNormFusion"],
            )
        except Exception as error:  # both libraries raise bare Exceptions of their own making
            raise EncoderError(f"the encoder in {folder} cannot be opened: {error}") from error
        self._check_graph(folder)
        prefixes = (self.spec.query_prefix, self.spec.passage_prefix)
        # With a word behind it: the blank at the end of a prefix alone may be a token of its own.
        longest = max(len(self._tokenizer.encode(f"{prefix}a").ids) for prefix in prefixes)
        self._marks = longest - self.count_tokens("a")

    def _check_graph(self, folder: Path) -> None:
        inputs = sorted(node.name for node in self._session.get_inputs())
        given = self._session.get_outputs()[0].shape[-1]
        if inputs != ["attention_mask", "input_ids"] or given != self.spec.dimension:
            raise EncoderError(
                f"the encoder {self.spec.name} in {folder} does not fit its {SPEC_FILE}: its graph reads "
                f"{', '.join(inputs)} and gives {given} numbers, expected attention_mask, input_ids and "
                f"{self.spec.dimension}. Delete the folder and build again."
            )

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        return self.spec.fingerprint

    @property
    def dimension(self) -> int:
        return self.spec.dimension

    @property
    def languages(self) -> tuple[str, ...]:
        return self.spec.languages

    @property
    def unrelated(self) -> float:
        return self.spec.unrelated

    @property
    def max_tokens(self) -> int:
        return self.spec.max_tokens - self._marks

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._questions([self.spec.query_prefix + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed([self.spec.passage_prefix + text for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def knows_word(self, word: str) -> bool:
        return any(self._tokenizer.token_to_id(token) is not None for token in (word, f"▁{word}"))

    def _ids(self, text: str) -> list[int]:
        # A token has at least one character, so a very long text is cut before it costs time.
        ids: list[int] = self._tokenizer.encode(text[: self.spec.max_tokens * 40]).ids
        if len(ids) > self.spec.max_tokens:
            ids = ids[: self.spec.max_tokens - 1] + ids[-1:]
        return ids

    def _embed(self, texts: list[str]) -> Vectors:
        out = np.empty((len(texts), self.dimension), np.float32)
        tokens = [self._ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda n: len(tokens[n]))
        batches = list(self._batches(order, [len(ids) for ids in tokens]))

        def run(rows: list[int]) -> None:
            width = len(tokens[rows[-1]])
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for at, row in enumerate(rows):
                ids[at, : len(tokens[row])] = tokens[row]
                mask[at, : len(tokens[row])] = 1
            out[rows] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

        if self._threads == 1 or len(batches) == 1:
            for rows in batches:
                run(rows)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                deque(pool.map(run, reversed(batches)), maxlen=0)  # the longest first, so that all end together
        return out

    @staticmethod
    def _batches(order: list[int], lengths: list[int]) -> Iterator[list[int]]:
        """Runs of `order` (shortest first) whose lengths are near each other: padding costs as much as text."""
        rows: list[int] = []
        for row in order:
            full = rows and lengths[row] * (len(rows) + 1) > _BATCH_TOKENS
            if full or (rows and lengths[row] > 1.25 * lengths[rows[0]] + 4):
                yield rows
                rows = []
            rows.append(row)
        if rows:
            yield rows


class HashEmbedder:
    """A fake that needs no weights: each word, and each run of three letters in it, points into a fixed direction.

    Texts that share words are near each other, which is enough for tests and for trying the product out.
    """

    NAME = "fake-words"
    languages: tuple[str, ...] = ()
    unrelated = 0.0

    def __init__(self, dimension: int = 96, max_tokens: int = 128) -> None:
        self.name, self.dimension, self.max_tokens = self.NAME, dimension, max_tokens

    @property
    def spec(self) -> EncoderSpec:
        return EncoderSpec(
            self.NAME, self.dimension, self.max_tokens, "", "", (), "", "", "", recipe=0, unrelated=0.0, kind="fake"
        )

    @property
    def fingerprint(self) -> str:
        return self.spec.fingerprint

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in self._words(text)[: self.max_tokens]:
                pieces = (word, *(f"^{word}$"[n : n + 3] for n in range(len(word))))
                for weight, piece in zip((3.0, *[1.0] * (len(pieces) - 1)), pieces, strict=True):
                    digest = hashlib.blake2b(piece.encode(), digest_size=8).digest()
                    out[row, int.from_bytes(digest[:4], "big") % self.dimension] += weight * (1 - 2 * (digest[4] & 1))
            norm = float(np.linalg.norm(out[row]))
            if norm == 0:
                out[row, 0] = norm = 1.0
            out[row] /= norm
        return out

    def count_tokens(self, text: str) -> int:
        return len(self._words(text))

    def knows_word(self, word: str) -> bool:
        return len(word) < 4

    @staticmethod
    def _words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


def open_encoder(folder: Path, *, threads: int = 1) -> Embedder:
    """The encoder in a folder that `kb.export.prepare` made. Raises EncoderError where there is none."""
    spec = EncoderSpec.read(folder)
    if spec.kind == "fake":
        return HashEmbedder(spec.dimension, spec.max_tokens)
    return OnnxEmbedder(folder, threads=threads)
