"""Usage that a team already has, from its tools' logs and its vendors' exports.

`run` reads files into a staging file, where repeats meet, and brings it into the ledger. Importing
the same or an overlapping file again adds nothing; a record that has grown is brought up to date.
"""

from db.importers.detect import detect
from db.importers.folders import files_at, usual_logs
from db.importers.reading import UsageFile
from db.importers.report import Report
from db.importers.run import KINDS, LABELS, run
from db.importers.writing import undo

__all__ = [
    "KINDS",
    "LABELS",
    "Report",
    "UsageFile",
    "detect",
    "files_at",
    "run",
    "undo",
    "usual_logs",
]
