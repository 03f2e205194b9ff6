"""The published and promised figures, one by one."""

import pytest

from tests.dashboard.costs.cases import Case, cases

ALL = list(cases())


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_the_model_gives_what_its_source_does(case: Case) -> None:
    assert case.got == case.expected, case.source


def test_all_of_the_study_is_among_the_cases() -> None:
    assert sum("arXiv:2509.18101" in case.source for case in ALL) == 45
