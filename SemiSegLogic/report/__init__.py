"""The report folder of a demo or benchmark: pictures, tables, numbers. Plain inputs, no torch."""

from .contact_sheet import contact_sheet
from .curves import changes, learning_curve
from .metrics import EMPTY_RULE, Score, Summary, compare, dice, evaluate, mean_dice, summarise
from .planes import CaseView
from .tables import Scores, case_table, spread_over_ranks, summary_table
from .writing import DataSource, Picture, Report, Section, write_report

__all__ = [
    "EMPTY_RULE", "CaseView", "DataSource", "Picture", "Report", "Score", "Scores", "Section", "Summary", "case_table",
    "changes", "compare", "contact_sheet", "dice", "evaluate", "learning_curve", "mean_dice", "spread_over_ranks",
    "summarise", "summary_table", "write_report",
]
