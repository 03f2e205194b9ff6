"""Made-up ledgers, to look around in before there is a real one, and to measure with.

They go into databases of their own that are marked as samples, and only a database so marked is
ever overwritten. The same seed and time give the same rows.
"""

from db.sample.large import DEVELOPERS, YEAR_DAYS, write_large_sample
from db.sample.small import write_sample
from db.sample.target import Sample

__all__ = ["DEVELOPERS", "YEAR_DAYS", "Sample", "write_large_sample", "write_sample"]
