"""The soak of `tests.benchmarks.soak`, for a few seconds: what it counts has to agree here too."""

from pathlib import Path

import pytest

from tests.soak.checks import lines
from tests.soak.soak import soak

STREAMS = 16
MINUTES = 0.25


@pytest.mark.slow
def test_sixteen_streams_of_which_some_leave_leave_nothing_behind(home: Path) -> None:
    found = lines(soak(home, MINUTES, STREAMS))

    assert [line for line in found if line.holds is False] == []
    checked = {line.name for line in found if line.holds}
    assert {"answers without exactly their row", "usage told other than the row"} <= checked
