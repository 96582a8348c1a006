"""`python -m web.locales` brings the catalogs up to date with the code; with `--check` it only tells what is behind."""

from __future__ import annotations

import sys

from web.locales.catalogs import LANGUAGES, mistakes, template, update


def main(arguments: list[str]) -> int:
    """0 where every string is translated, else 1."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m web.locales [--check]\n")
        return 2
    wanted = template()
    if not arguments:
        for lang in LANGUAGES:
            update(lang, wanted)
    found = [line for lang in LANGUAGES for line in mistakes(lang, wanted)]
    sys.stderr.writelines(f"{line}\n" for line in found)
    total = sum(1 for message in wanted if message.id)
    sys.stderr.write(f"{total} strings, {len(LANGUAGES)} languages, {len(found)} to mend\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
