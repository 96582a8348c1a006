"""The knowledge base: articles in, snapshot out, ranked articles for a question. Knows no bot and no web."""

import os

# One thread a matrix product, set before numpy is loaded: many questions at once fill the cores. With two, a search of
# 2,448 articles took twice as long on a machine that had other work, because the threads waited for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
