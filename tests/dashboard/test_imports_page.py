"""Import: what the page says when empty, and with imported usage."""

from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.importers.rows import import_files


def test_an_empty_page_says_what_to_do(product: Service) -> None:
    page = open_page("imports")
    assert any("python -m db import" in box.value for box in page.info)


def test_imported_usage_is_shown_with_what_is_unknown(product: Service) -> None:
    import_files(product.database, "claude_code.jsonl", "openai_cost.csv")
    page = open_page("imports")
    shown = page.dataframe[0].value
    opus = shown[shown["Model"] == "claude-opus-4-6"].iloc[0]
    assert (opus["Input tokens"], opus["Cost"]) == ("24,425", "unknown")
    assert opus["Tokens are"] == "a lower bound"
    assert "$1.00" in shown["Cost"].tolist()


def test_undoing_asks_first(product: Service) -> None:
    import_files(product.database, "claude_code.jsonl")
    page = open_page("imports")
    next(button for button in page.button if button.label == "Undo").click()
    page.run()
    assert any("are removed from the ledger" in text.value for text in page.markdown)
