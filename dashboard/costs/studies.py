"""A published study of break-even, recomputed from its own inputs, and where it cannot be.

Pan, Chodnekar, Roy and Wang, "A Cost-Benefit Analysis of On-Premise Large Language Model
Deployment: Breaking Even with Commercial LLM Services", arXiv:2509.18101v3, 11 November 2025:
prices of APIs from its Table I, of hardware from Table II, throughput from Table III, months from
Table IV, formulas 1 to 7. Read in a copy of arxiv.org/html/2509.18101v3 taken on 17 April 2026.

Its text and its tables do not agree, and Table IV follows from the tables alone:

- Text: 8 hours on 20 days, 160 hours a month. Table III's capacities (506.9 million tokens at 800 a
  second) are those of 176 hours.
- Table II: 400 W for an A100, 575 W for an RTX 5090. The monthly electricity that version 1 printed
  ($126.72 for 16 A100, $13.20 for an RTX 5090, at $0.15/kWh) is that of 300 W and 500 W.
- Table I: Gemini 2.5 Pro costs what GPT-5 does, which with one input token to two output tokens is
  $7.083 a million. Its months follow from $7.75 instead, which the study does not explain.
- Text: 54 scenarios with six APIs. Table IV has 45, with five.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dashboard.costs import money
from dashboard.costs.break_even.answers import exact_months
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.formulas import values_of

SOURCE = "arXiv:2509.18101v3 (11 November 2025), Tables I to IV"
PRICE_PER_KWH = Decimal("0.15")
INPUT_SHARE = Fraction(1, 3)  # formula 5


class Assumptions(BaseModel):
    """What the study leaves open: hours a month, kW of each accelerator, and an API's blended
    price where it is not that of its table."""

    model_config = ConfigDict(frozen=True)

    hours_per_month: int
    a100_kw: Decimal
    rtx5090_kw: Decimal
    gemini_blended: Fraction | None


AS_WRITTEN = Assumptions(
    hours_per_month=160,
    a100_kw=Decimal("0.4"),
    rtx5090_kw=Decimal("0.575"),
    gemini_blended=None,
)
AS_TABULATED = Assumptions(
    hours_per_month=176,
    a100_kw=Decimal("0.3"),
    rtx5090_kw=Decimal("0.5"),
    gemini_blended=Fraction("7.75"),
)


class Api(BaseModel):
    """Prices of a million tokens in US dollars (Table I)."""

    model_config = ConfigDict(frozen=True)

    name: str
    input_price: Decimal
    output_price: Decimal


class Setup(BaseModel):
    """A model on its accelerators (Tables II and III), and its row of Table IV as printed, in the
    order of `APIS`."""

    model_config = ConfigDict(frozen=True)

    model: str
    accelerator: Literal["A100-80GB", "RTX 5090"]
    count: int
    tokens_per_s: int
    months: tuple[str, ...]


class Reproduced(BaseModel):
    """A cell of the study's Table IV: what it prints, and what follows from its text and from its
    other tables, in months. `follows_from` says whether the printed figure follows from those, or
    only with a price that the study gives nowhere, or from nothing; `explanation` what it takes."""

    model_config = ConfigDict(frozen=True)

    model: str
    api: str
    printed: Decimal
    from_text: Decimal
    from_tables: Decimal
    follows_from: Literal["tables", "fitted_price", "nothing"]
    explanation: str
    source: str = SOURCE


def _api(name: str, input_price: str, output_price: str) -> Api:
    return Api(name=name, input_price=Decimal(input_price), output_price=Decimal(output_price))


GEMINI = "Gemini 2.5 Pro"
APIS = (
    _api("GPT-5", "1.25", "10.00"),
    _api("Claude-4 Opus", "15.00", "75.00"),
    _api("Claude-4 Sonnet", "3.00", "15.00"),
    _api("Grok-4", "3.00", "15.00"),
    _api(GEMINI, "1.25", "10.00"),
)
PRICES = {"A100-80GB": Decimal(15_000), "RTX 5090": Decimal(2_000)}


def _setup(
    model: str, accelerator: Literal["A100-80GB", "RTX 5090"], count: int, rate: int, months: str
) -> Setup:
    return Setup(
        model=model,
        accelerator=accelerator,
        count=count,
        tokens_per_s=rate,
        months=tuple(months.split()),
    )


SETUPS = (
    _setup("Kimi-K2", "A100-80GB", 16, 800, "69.3 8.7 44.0 44.0 63.1"),
    _setup("GLM-4.5", "A100-80GB", 6, 400, "51.5 6.5 32.8 32.8 47.0"),
    _setup("Qwen3-235B", "A100-80GB", 4, 400, "34.0 4.3 21.8 21.8 31.1"),
    _setup("gpt-oss-120B", "A100-80GB", 2, 220, "30.9 3.9 19.8 19.8 28.2"),
    _setup("GLM-4.5-Air", "A100-80GB", 2, 200, "34.0 4.3 21.8 21.8 31.1"),
    _setup("Llama-3.3-70B", "A100-80GB", 1, 190, "17.8 2.3 11.4 11.4 16.2"),
    _setup("EXAONE 4.0 32B", "RTX 5090", 1, 200, "2.26 0.3 1.4 1.4 2.06"),
    _setup("Qwen3-30B", "RTX 5090", 1, 180, "2.5 0.3 1.6 1.6 2.3"),
    _setup("Magistral Small", "RTX 5090", 1, 150, "3.0 0.4 1.9 1.9 2.76"),
)


def reproduce() -> list[Reproduced]:
    """Every cell of Table IV, recomputed."""
    return list(_cells())


def months(setup: Setup, api: Api, assumed: Assumptions) -> Fraction:
    """Months to break-even with the study's formulas 1 to 7. Its hardware runs at full throughput
    in all business hours, and it leaves out the host, PUE, staff, idling and resale."""
    hours = assumed.hours_per_month
    kw = assumed.a100_kw if setup.accelerator == "A100-80GB" else assumed.rtx5090_kw
    millions = Fraction(setup.tokens_per_s * hours * 3600, 10**6)
    case = BreakEvenCase(
        hardware_price=PRICES[setup.accelerator],
        hardware_count=setup.count,
        life_months=60,  # the study has no life; months to break-even do not depend on it
        electricity_idle_per_month=setup.count * kw * hours * PRICE_PER_KWH,
        tokens_per_day=Decimal(1),
        api_input_price=api.input_price,
        api_output_price=api.output_price,
        api_input_share=Decimal(0),
    )
    values = values_of(case) | {
        "tokens_per_day": millions * 10**6 / 30,
        "api_input_share": INPUT_SHARE,
    }
    if api.name == GEMINI and assumed.gemini_blended is not None:
        blended = assumed.gemini_blended
        values |= {"api_input_price": blended, "api_output_price": blended}
    found = exact_months(values, "api")
    if found is None:
        raise ValueError(f"{setup.model} never breaks even against {api.name}.")
    return found


def _cells() -> Iterator[Reproduced]:
    for setup in SETUPS:
        for api, printed in zip(APIS, setup.months, strict=True):
            exact = months(setup, api, AS_TABULATED)
            explanation = _explained(exact, printed, api)
            basis: Literal["tables", "fitted_price"] = (
                "fitted_price" if api.name == GEMINI else "tables"
            )
            yield Reproduced(
                model=setup.model,
                api=api.name,
                printed=Decimal(printed),
                from_text=money.rounded(months(setup, api, AS_WRITTEN), 3),
                from_tables=money.rounded(exact, 3),
                follows_from=basis if explanation else "nothing",
                explanation=explanation or "None of the study's inputs leads to it.",
            )


def _explained(exact: Fraction, printed: str, api: Api) -> str | None:
    """How the exact months become the printed ones."""
    taken = "It takes 176 hours a month, and 300 W an A100 or 500 W an RTX 5090, not the text's"
    if api.name == GEMINI:
        taken += "; and $7.75 a million tokens, which its Table I does not give"
    digits = len(printed.partition(".")[2])
    finer = money.rounded(exact, 2)
    if money.rounded(exact, digits) == Decimal(printed):
        return f"{taken}."
    if finer.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) == Decimal(printed):
        return f"{taken}; and it is rounded twice, by way of {finer}."
    return None
