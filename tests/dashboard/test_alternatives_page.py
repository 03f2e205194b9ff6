"""Alternatives: the page on a ledger with one request, and what it says of what is unknown."""

from decimal import Decimal

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.alternatives.words import AT_EQUAL_TOKENS
from db import people, prices
from db.ids import now_ms
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.importers.rows import import_files
from tests.db.team import Team, outcome


def use_millions(product: Service, model: str = "gpt-oss-120b") -> None:
    """Ada: 2 million input tokens, of which 500,000 cached, and 300,000 output, a minute ago."""
    ada = people.add_developer(product.database, "Ada", actor="test")
    at = now_ms() - 60_000
    request_id = Team(ada.id, key=0).admit(
        product.ledger, at=at, api_key_id=None, model=model, input_tokens=2_000_000
    )
    done = outcome(request_id, at=at + 9, cached_input_tokens=500_000, output_tokens=300_000)
    product.ledger.finish(done).result(20)


def table(page: AppTest) -> pd.DataFrame:
    frames = [frame.value for frame in page.dataframe]
    return next(frame for frame in frames if "Alternative" in frame).set_index("Alternative")


def plain(page: AppTest) -> str:
    boxes = [*page.markdown, *page.caption, *page.info, *page.warning]
    return "\n".join(box.value.replace("\\", "") for box in boxes)


def test_an_empty_ledger_says_that_nothing_was_asked(product: Service) -> None:
    page = open_page("alternatives")
    assert "The gateway metered no tokens in" in plain(page)
    assert table(page)["Would have cost"]["Self-hosted, fully loaded"] == "$0.00"


def test_the_usual_alternatives_stand_beside_self_hosting(product: Service) -> None:
    use_millions(product)
    page = open_page("alternatives", range="Last hour")
    found = table(page)
    # Claude Opus 5.5: $4 in, $0.20 cached, $20 out: 1.5 × 4 + 0.5 × 0.2 + 0.3 × 20 = $12.10.
    assert found["Would have cost"]["claude-opus-5-5 (Anthropic)"] == "$12.10"
    assert set(found["Kind"]) == {
        "here, all costs",
        "here, electricity of requests",
        "commercial seats",
        "vendor's API",
        "hosted open model",
        "rented GPU hours",
    }
    assert (found["Source"] != "").all()
    assert AT_EQUAL_TOKENS in plain(page)


def test_the_seats_cost_what_the_overview_says(product: Service) -> None:
    use_millions(product)
    seats = table(open_page("alternatives"))["Would have cost"]["Seats, as in Settings"]
    overview = next(f.value for f in open_page().dataframe if "Seat" in f.value)
    a_cent_later = 0.0101  # between the two pages time goes on
    assert abs(float(seats.strip("$").replace(",", "")) - overview["Seat"][0]) < a_cent_later


def test_a_model_that_nobody_hosts_is_unknown_and_not_free(product: Service) -> None:
    use_millions(product, model="SmolLM2-135M-Instruct")
    page = open_page("alternatives", host="Same models at groq")
    assert table(page)["Would have cost"]["The same models at groq"] == "unknown"
    assert "has no price of groq for SmolLM2-135M-Instruct" in "".join(table(page)["Unknown"])
    assert "No chosen host lists SmolLM2-135M-Instruct" in plain(page)
    assert "nothing else" not in plain(page)


def test_marginal_cost_without_energy_is_unknown(product: Service) -> None:
    use_millions(product)
    row = table(open_page("alternatives")).loc["Self-hosted, marginal"]
    assert (row["Would have cost"], row["Unknown"]) == (
        "unknown",
        "the energy of some requests is unknown",
    )


def test_a_price_in_the_address_is_compared_and_marked_as_stated(product: Service) -> None:
    use_millions(product)
    page = open_page("overview")
    page.query_params["own"] = ["Our contract~3~0.3~15", "Free~0~~0"]
    page.switch_page("views/alternatives.py").run()
    found = table(page)
    # 1.5 × 3 + 0.5 × 0.3 + 0.3 × 15 = $9.15.
    assert found["Would have cost"]["Our contract"] == "$9.15"
    assert found["Kind"]["Our contract"] == "stated price"
    assert found["Would have cost"]["Free"] == "$0.00"


@pytest.mark.usefixtures("product")
def test_a_bad_price_in_the_address_is_told_and_passed_over() -> None:
    page = open_page("alternatives")
    page.query_params["own"] = ["Ours~three~~15"]
    page.run()
    assert not page.exception
    assert any("dollars per million tokens" in box.value.replace("\\", "") for box in page.warning)
    assert "Ours" not in table(page).index


def test_a_price_is_added_by_the_form_and_kept_for_the_session(product: Service) -> None:
    use_millions(product)
    page = open_page("alternatives")
    for field, text in zip(page.text_input, ("Ours", "3", "", "15"), strict=True):
        field.set_value(text)
    next(button for button in page.button if button.label == "Add the price").click()
    page.run()
    # 2 × 3 + 0.3 × 15 = $10.50: cached tokens have no price of their own.
    assert table(page)["Would have cost"]["Ours"] == "$10.50"
    assert page.query_params["own"] == "Ours~3~~15"
    page.switch_page("views/overview.py").run()
    page.switch_page("views/alternatives.py").run()
    assert table(page)["Would have cost"]["Ours"] == "$10.50"
    next(button for button in page.button if button.label == "Remove all of them").click()
    page.run()
    assert "Ours" not in table(page).index


def test_currencies_are_never_added_up(product: Service) -> None:
    prices.set_prices(product.database, actor="test", currency="EUR")
    use_millions(product)
    page = open_page("alternatives")
    found = table(page)
    assert found["Would have cost"]["Self-hosted, fully loaded"].startswith("€")
    assert found["Beside self-hosted"]["claude-opus-5-5 (Anthropic)"] == ""
    assert "Prices are in EUR and in USD. Nothing is converted" in plain(page)
    assert len(page.get("plotly_chart")) == 2


def test_the_address_carries_what_is_compared(product: Service) -> None:
    use_millions(product)
    page = open_page(
        "alternatives", api="gpt-5", gpu="H200 SXM 141 GB, Akash", gpus="2", hours="100"
    )
    names = list(table(page).index)
    assert "gpt-5 (OpenAI)" in names
    assert "2 × H200 SXM 141 GB, Akash" in names


@pytest.mark.usefixtures("product")
def test_the_reproduced_study_is_one_click_away() -> None:
    page = open_page("alternatives")
    study = next(f.value for f in page.dataframe if "Expected" in f.value)
    assert len(study) == 45
    kimi = study[(study["Model"] == "Kimi-K2") & (study["Against"] == "GPT-5")].iloc[0]
    assert kimi["Expected"] == 69.3
    assert round(Decimal(kimi["Got"]), 1) == Decimal("69.3")


def test_imported_use_stands_apart_and_is_labelled(product: Service) -> None:
    import_files(product.database, "claude_code.jsonl")
    use_millions(product)
    page = open_page("alternatives", range="All").run()
    found = table(page)["Imported use, apart"]
    # Of 25,525 input tokens 22,137 were cached at $0.20 and 2,285 written at $5, the rest is at $4;
    # 221 of output at $20. In millionths: 1,103 × 4 + 22,137 × 0.2 + 2,285 × 5 + 221 × 20 = 24,684.
    assert found["claude-opus-5-5 (Anthropic)"] == "$0.02"
    assert found["Seats, as in Settings"] == ""
    opus = list(table(page).index).index("claude-opus-5-5 (Anthropic)")
    next(box for box in page.selectbox if box.label == "Alternative").set_value(opus).run()
    assert "Imported, in no other figure" in plain(page)
