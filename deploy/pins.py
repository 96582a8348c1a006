"""Writes deploy/requirements-serve.txt: all that serving installs, at the versions of constraints.txt, and no torch.

`python -m deploy.pins` writes it, `--check` fails where it is not in step.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
FILE = HERE / "requirements-serve.txt"
#: Beside what serving always needs: the driver of the database that replicas share.
EXTRAS = ("postgres",)
#: tokenizers names it to download models with; a snapshot brings its tokenizer along. The file is installed without
#: looking for what else packages name.
_UNUSED = frozenset({"huggingface-hub"})
_NOTE = (
    "# Written by `python -m deploy.pins` from pyproject.toml and constraints.txt. Do not edit.\n"
    "# Complete: install it with --no-deps.\n"
)


def pins() -> str:
    """The file as it should be. Raises KeyError for a package that constraints.txt does not pin."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        canonicalize_name(line.split("==")[0]): line.strip()
        for line in (HERE.parent / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    wanted = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    waiting, found = [Requirement(line) for line in wanted], dict[str, set[str]]()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), requirement.extras
        if name in found and extras <= found[name]:
            continue
        found[name] = found.get(name, set()) | extras
        for line in requires(name) or ():
            needed = Requirement(line)
            if canonicalize_name(needed.name) in _UNUSED:
                continue
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in ("", *extras)):
                waiting.append(needed)
    return _NOTE + "".join(f"{pinned[name]}\n" for name in sorted(found))


def main() -> None:
    if "--check" not in sys.argv:
        FILE.write_text(pins(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != pins():
        sys.exit("deploy/requirements-serve.txt: not in step with pyproject.toml. Run `make fix`.")


if __name__ == "__main__":
    main()
