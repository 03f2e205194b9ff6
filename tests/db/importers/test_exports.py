"""Vendors' exports against each other: credits, and the same time told in other groups."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db import imported
from tests.db.importers.rows import import_texts, reasons, rows

COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,"
    "project_id,organization_id,organization_name\n"
)
DAY = "1759622400,1759708800,2025-10-05T00:00:00+00:00,2025-10-06T00:00:00+00:00,"
CHARGES = (
    COSTS
    + DAY + '5.25,usd,"gpt-5-mini-2025-08-07, input",proj_1,org-1,Shop\n'
    + DAY + '0.75,usd,"gpt-5-mini-2025-08-07, output",proj_1,org-1,Shop\n'
)  # fmt: skip
CREDIT = DAY + '-2.5,usd,"gpt-5-mini-2025-08-07, credit",proj_1,org-1,Shop\n'


def total(engine: Engine) -> Decimal:
    return Decimal(sum(imported.by_month(engine)["cost"]))


def test_a_credit_reduces_the_cost(engine: Engine) -> None:
    report = import_texts(engine, CHARGES + CREDIT)
    assert report.cost == {"USD": Decimal("3.5")}
    assert total(engine) == Decimal("3.5")
    assert reasons(report) == {}
    ((remark, tally),) = report.remarks.items()
    assert ("credit" in remark, tally.places) == (True, ["file-0:4"])


@pytest.mark.parametrize("backwards", [False, True])
def test_a_credit_that_comes_later_counts_once(engine: Engine, backwards: bool) -> None:
    exports = [CHARGES, CHARGES + CREDIT][:: -1 if backwards else 1]
    for text in [*exports, *exports]:
        import_texts(engine, text)
    assert total(engine) == Decimal("3.5")
    assert import_texts(engine, *exports).added == 0
    larger = import_texts(engine, CHARGES + CREDIT.replace("-2.5", "-4"))
    assert (larger.added, larger.updated, total(engine)) == (0, 1, Decimal(2))


def test_anthropics_credits_count_too(engine: Engine) -> None:
    head = "usage_date_utc,model,workspace,api_key,token_type,cost_usd,cost_type\n"
    row = "2026-08-05,Claude Opus 5,Default,key,output,{},token\n"
    import_texts(engine, head + row.format("1.86") + row.format("-0.36"))
    assert total(engine) == Decimal("1.5")
    bucket = {
        "starting_at": "2026-08-07T00:00:00Z",
        "ending_at": "2026-08-08T00:00:00Z",
        "results": [{"amount": "-50.0", "currency": "USD", "description": "Refund"}],
    }
    assert import_texts(engine, json.dumps(bucket)).cost == {"USD": Decimal("-0.5")}


def test_a_cost_beyond_all_reason_is_refused_either_way(engine: Engine) -> None:
    for amount in ("100001", "-100001"):
        report = import_texts(engine, COSTS + DAY + f"{amount},usd,,proj_1,org-1,Shop\n")
        assert reasons(report) == {"amount_value is more than 100,000": 1}


def test_a_cost_that_is_told_smaller_later_is_told(engine: Engine) -> None:
    import_texts(engine, CHARGES)
    report = import_texts(engine, CHARGES.replace("5.25", "4.25"))
    ((remark, tally),) = report.remarks.items()
    assert ("undo that import" in remark, tally.count) == (True, 1)
    assert (report.unchanged, total(engine)) == (1, Decimal(6))


HEAD = (
    "start_time,end_time,user_id,api_key_id,model,num_model_requests,input_tokens,output_tokens\n"
)
MIDNIGHT, HOUR = 1759622400, 3600


def usage(start_s: int, length_s: int, key: str, tokens: int) -> str:
    return f"{start_s},{start_s + length_s},ada,{key},gpt-5,1,{tokens},0\n"


BY_KEY = HEAD + usage(MIDNIGHT, 24 * HOUR, "key_1", 50) + usage(MIDNIGHT, 24 * HOUR, "", 30)
TOTAL = HEAD + usage(MIDNIGHT, 24 * HOUR, "", 80)
BY_HOUR = HEAD + "".join(usage(MIDNIGHT + n * HOUR, HOUR, "", 10) for n in range(8))
SHIFTED = HEAD + usage(MIDNIGHT + 7 * HOUR, 24 * HOUR, "", 80)  # a day in California


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (BY_KEY, TOTAL),  # a row of whose keys has none is the very row of the total
        (TOTAL, BY_KEY),
        (TOTAL, BY_HOUR),
        (BY_HOUR, TOTAL),
        (BY_HOUR, BY_KEY),
        (TOTAL, SHIFTED),
        (SHIFTED, TOTAL),
    ],
)
def test_the_same_day_at_two_granularities_counts_once_and_is_told(
    engine: Engine, first: str, second: str, together: bool
) -> None:
    reports = (
        [import_texts(engine, first, second)]
        if together
        else [import_texts(engine, first), import_texts(engine, second)]
    )
    assert sum(row["input_tokens"] for row in rows(engine)) == 80
    (reason,) = reasons(reports[-1])
    assert "grouped or cut differently" in reason
    assert reports[-1].input_tokens == (80 if together else reports[-1].input_tokens)
    again = import_texts(engine, first, second)
    assert (again.added, again.updated) == (0, 0)


def test_an_export_that_names_more_later_keeps_what_was_there(engine: Engine) -> None:
    import_texts(engine, TOTAL)
    more = TOTAL + usage(MIDNIGHT + 24 * HOUR, 24 * HOUR, "key_1", 5)
    report = import_texts(engine, more)
    assert (report.added, report.unchanged, reasons(report)) == (1, 1, {})
