"""Questions of articles as tests: does each find its article, and what does a change to the articles do to that.

`run` asks a snapshot every `questions` and `not_for` entry of its articles, `compare` says what changed between two
runs. Nothing that answers readers hangs on this package.
"""

from kb.expect.comparison import Comparison, compare
from kb.expect.outcomes import Outcome, Run, run

__all__ = ["Comparison", "Outcome", "Run", "compare", "run"]
