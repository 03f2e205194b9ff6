from pathlib import Path

import pytest

from db.settings import Settings
from engine.model.errors import ModelFileError
from engine.models import find_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


def test_a_path_stands_for_itself(tmp_path: Path, settings: Settings) -> None:
    model = folder(tmp_path / "some" / "model")
    assert find_model(model, settings) == model
    file = tmp_path / "other.gguf"
    file.touch()
    assert find_model(str(file), settings) == file


def test_a_folder_with_the_parts_of_a_gguf_stands_for_the_first(
    tmp_path: Path, settings: Settings
) -> None:
    for part in (1, 2, 3):
        (tmp_path / f"big-{part:05}-of-00003.gguf").touch()
    assert find_model(tmp_path, settings) == tmp_path / "big-00001-of-00003.gguf"


def test_a_folder_with_a_single_gguf_stands_for_that(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "model" / "weights.gguf"
    file.parent.mkdir()
    file.touch()
    assert find_model(file.parent, settings) == file


def test_a_name_is_found_in_the_models_folder(settings: Settings) -> None:
    model = folder(settings.home / "models" / "kimi")
    assert find_model("kimi", settings) == model
    file = settings.home / "models" / "granite.gguf"
    file.touch()
    assert find_model("granite", settings) == file


def test_a_name_is_found_where_hugging_face_tools_fetched_it(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    model = folder(tmp_path / "hub" / "models--some--model" / "snapshots" / "abc")
    assert find_model("some/model", settings) == model


def test_what_is_not_there_is_told_with_what_to_do(settings: Settings) -> None:
    with pytest.raises(ModelFileError, match=r"no model 'nothing'.*models"):
        find_model("nothing", settings)


def test_what_is_no_model_is_told(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ModelFileError, match="neither a GGUF file nor a folder"):
        find_model(tmp_path / "notes.txt", settings)


def test_a_name_does_not_lead_out_of_the_models_folder(settings: Settings) -> None:
    folder(settings.home / "secret")
    with pytest.raises(ModelFileError, match="no model"):
        find_model("../secret", settings)
