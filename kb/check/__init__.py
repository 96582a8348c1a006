"""What is wrong with a folder of articles, before readers find out: `firstline check`.

`check` reads every file once (`pages`), asks one module after another for findings, and leaves out what authors have
said to be exceptions (`silence`). Links, anchors and pictures are followed as the help centre follows them.
"""

from kb.check.fixes import Mended, mend
from kb.check.front_matter import schema
from kb.check.pages import Memory
from kb.check.report import RULES, Edit, Finding, Report
from kb.check.run import CheckSettings, check

__all__ = ["RULES", "CheckSettings", "Edit", "Finding", "Memory", "Mended", "Report", "check", "mend", "schema"]
