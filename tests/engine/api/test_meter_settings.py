"""What is wrong with the meters' setting is said before anything starts."""

from pathlib import Path

import pytest

from db.errors import InvalidInput
from db.settings import Settings
from engine.api.service import Service

PAGE = "http://gpu-1:9400/metrics"


def test_a_setting_that_is_no_meter_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="neither URLs nor a file"):
        Service(Settings(home=tmp_path, meters=str(tmp_path / "none.toml")))


def test_a_meter_of_this_machine_and_of_an_upstream_would_count_twice(tmp_path: Path) -> None:
    upstreams = tmp_path / "upstreams.toml"
    upstreams.write_text(f'[[upstream]]\nurl = "http://gpu-1:8000/v1"\nmeters = ["{PAGE}"]\n')
    with pytest.raises(InvalidInput, match="both name the meter"):
        Service(Settings(home=tmp_path, meters=PAGE, upstreams=str(upstreams)))
    Service(Settings(home=tmp_path, upstreams=str(upstreams)))
