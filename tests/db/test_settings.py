"""Options come from the environment or a file, and a wrong one is refused by name."""

from pathlib import Path

import pytest

from db.settings import Settings, settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, and nothing of it in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", *(field.upper() for field in Settings.model_fields)):
        monkeypatch.delenv(f"BREAKEVEN_{name}", raising=False)
    return tmp_path


def refused() -> str:
    with pytest.raises(SystemExit) as end:
        settings()
    return str(end.value)


def test_without_a_file_or_a_variable_everything_has_a_default(folder: Path) -> None:
    assert settings() == Settings()
    assert settings().port == 8501


def test_the_file_of_the_working_folder_is_read(folder: Path) -> None:
    (folder / "breakeven.toml").write_text('port = 9000\nmodel = "none"\ncpu_tdp_w = 65\n')
    found = settings()
    assert (found.port, found.model, found.cpu_tdp_w) == (9000, "none", 65.0)


def test_a_variable_goes_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "breakeven.toml").write_text("port = 9000\nmax_running = 4\n")
    monkeypatch.setenv("BREAKEVEN_PORT", "9001")
    assert (settings().port, settings().max_running) == (9001, 4)


def test_another_file_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.toml").write_text("port = 9002\n")
    (folder / "breakeven.toml").write_text("port = 9000\n")
    monkeypatch.setenv("BREAKEVEN_CONFIG", str(folder / "other.toml"))
    assert settings().port == 9002


def test_a_named_file_that_is_not_there_is_no_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKEVEN_CONFIG", "nowhere.toml")
    assert refused() == (
        "Breakeven does not start: nowhere.toml cannot be read: No such file or directory."
    )


def test_a_misspelt_option_is_named_with_what_was_meant(folder: Path) -> None:
    (folder / "breakeven.toml").write_text("prot = 9000\n")
    assert "an option that there is not: prot. Did you mean port?" in refused()


def test_a_file_that_is_not_toml_is_told_by_its_line(folder: Path) -> None:
    (folder / "breakeven.toml").write_text("port = 9000\nmodel = \n")
    assert "breakeven.toml is not TOML" in refused()
    assert "line 2" in refused()


def test_every_wrong_value_is_told_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "breakeven.toml").write_text('port = "high"\n')
    monkeypatch.setenv("BREAKEVEN_MAX_RUNNING", "99")
    message = refused()
    assert "BREAKEVEN_PORT (or port in breakeven.toml)" in message
    assert "'high'" in message
    assert "BREAKEVEN_MAX_RUNNING" in message
    assert "less than or equal to 64" in message


def test_an_organisations_sign_in_is_configured_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKEVEN_OIDC_CLIENT_ID", "breakeven")
    monkeypatch.setenv("BREAKEVEN_OIDC_CLIENT_SECRET", "the client's secret")
    said = refused()
    assert "also needs BREAKEVEN_PUBLIC_URL, BREAKEVEN_OIDC_METADATA_URL." in said
    assert "the client's secret" not in said
    monkeypatch.setenv("BREAKEVEN_PUBLIC_URL", "https://breakeven.example/")
    monkeypatch.setenv("BREAKEVEN_OIDC_METADATA_URL", "https://acme.example/.well-known/x")
    assert "the client's secret" not in repr(settings())


@pytest.mark.parametrize("url", ["breakeven.example", "https://a.example/path", "ftp://a.example"])
def test_a_public_url_is_an_address_without_a_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BREAKEVEN_PUBLIC_URL", url)
    assert "BREAKEVEN_PUBLIC_URL (or public_url in breakeven.toml)" in refused()
