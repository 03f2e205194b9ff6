"""Requests as CSV and Parquet: every cell, for every reader."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from dashboard.reports import requests as requests_export
from dashboard.reports.csv_text import FORMULA
from dashboard.reports.exports import Export, chunks
from dashboard.reports.span import Span
from db import keys, people, prices
from db.export_queries import EVERYBODY, Whose
from tests.dashboard.reports.books import (
    BERLIN,
    OCTOBER,
    add,
    at,
    exported,
    parquet_of,
    person,
    request,
    rows_of,
)


def test_every_cell_of_a_request_is_told(ledger: Engine) -> None:
    ada, team = person(ledger, "Ada", "Platform")
    key, _ = keys.create_key(ledger, ada, "laptop", actor="test")
    prices.set_prices(ledger, actor="test", electricity_price_per_kwh="0.25", pue="1.2")
    row = request(ada, at(5, 9, 30), id=0x19FBCDD6E4470680, team_id=team, api_key_id=key.id)
    add(ledger, [row])
    assert rows_of(exported(ledger, "requests")) == [
        {
            "id": "19fbcdd6e4470680",
            "started_at": "2025-10-05T09:30:00.000Z",
            "first_token_at": "2025-10-05T09:30:00.200Z",
            "finished_at": "2025-10-05T09:30:02.000Z",
            "developer": "Ada",
            "team": "Platform",
            "key": "laptop",
            "tool": "editor/1.0",
            "model": "small-moe",
            "engine": "breakeven",
            "endpoint": "/v1/chat/completions",
            "status": "ok",
            "streamed": "true",
            "finish_reason": "stop",
            "error_type": "",
            "input_tokens": "40",
            "cached_input_tokens": "10",
            "output_tokens": "25",
            "counts": "exact",
            "energy_j": "3600.0",
            "energy_basis": "measured",
            "energy_source": "nvml",
            "energy_uncertainty_j": "180.0",
            "prefill_energy_j": "600.0",
            "queue_ms": "5",
            "ttft_ms": "200",
            "duration_ms": "2000",
            "experts_active_mean": "4.0",
            # 3,600 J are 0.001 kWh; × 1.2 × $0.25
            "marginal_cost": "0.0003",
            "currency": "USD",
            "electricity_price_per_kwh": "0.25",
            "pue": "1.2",
        }
    ]


def test_what_is_unknown_is_an_empty_cell_and_never_0(ledger: Engine) -> None:
    ada, _ = person(ledger, "Ada")
    unknown = dict.fromkeys(
        [
            *("first_token_at", "energy_j", "energy_source", "prefill_energy_j"),
            *("energy_uncertainty_j", "ttft_ms", "queue_ms", "client", "experts_active_mean"),
        ]
    )
    add(ledger, [request(ada, at(5), **unknown, energy_basis="unknown", counts_exact=False)])
    (row,) = rows_of(exported(ledger, "requests"))
    names = ("first_token_at", "energy_j", "ttft_ms", "tool", "team", "key", "marginal_cost")
    assert [row[name] for name in names] == [""] * len(names)
    assert (row["energy_basis"], row["counts"]) == ("unknown", "estimated")
    cells = parquet_of(exported(ledger, "requests", "parquet")).to_pylist()[0]
    assert [cells[name] for name in names] == [None] * len(names)


def test_each_request_has_the_price_and_the_team_of_its_own_time(ledger: Engine) -> None:
    ada, first_team = person(ledger, "Ada", "Platform")
    people.set_team(ledger, ada, "Data", actor="test")
    with ledger.connect() as connection:
        found = connection.exec_driver_sql("SELECT id FROM teams WHERE name = 'Data'").scalar()
    prices.set_prices(ledger, actor="test", electricity_price_per_kwh="0.10")
    prices.set_prices(
        ledger, actor="test", valid_from=at(10, 0), electricity_price_per_kwh="0.50", pue=2
    )
    add(ledger, [request(ada, at(10, 0) - 1, team_id=first_team)])
    add(ledger, [request(ada, at(10, 0), team_id=found, developer_name="Ada L.")])
    before, after = rows_of(exported(ledger, "requests"))
    assert (before["team"], before["developer"], before["marginal_cost"]) == (
        "Platform",
        "Ada",
        "0.0001",
    )
    assert (after["team"], after["developer"], after["marginal_cost"]) == (
        "Data",
        "Ada L.",
        "0.001",
    )


def test_a_range_is_days_of_its_own_zone_and_holds_its_start_but_not_its_end(
    ledger: Engine,
) -> None:
    ada, _ = person(ledger, "Ada")
    begins, ends = at(30, 22, month=9), at(31, 23)  # of October in Berlin: summer, then winter time
    add(ledger, [request(ada, moment) for moment in (begins - 1, begins, ends - 1, ends)])
    rows = rows_of(exported(ledger, "requests", zone=BERLIN))
    assert [row["started_at"] for row in rows] == [
        "2025-09-30T22:00:00.000Z",
        "2025-10-31T22:59:59.999Z",
    ]


def test_one_developers_or_one_teams_requests_can_be_had_alone(ledger: Engine) -> None:
    ada, platform = person(ledger, "Ada", "Platform")
    ken, data = person(ledger, "Ken", "Data")
    add(ledger, [request(ada, at(3), team_id=platform), request(ken, at(4), team_id=data)])
    for whose in (Whose(developer_id=ken), Whose(team_id=data)):
        (row,) = rows_of(exported(ledger, "requests", whose=whose))
        assert row["team"] == "Data"
    assert rows_of(exported(ledger, "requests", whose=Whose(ken, platform))) == []


def test_batches_neither_lose_nor_repeat_requests_of_one_millisecond(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_export, "ROWS_AT_ONCE", 3)
    ada, _ = person(ledger, "Ada")
    moments = [at(3)] * 7 + [at(4)] * 3 + [at(5), at(6)]
    rows = [request(ada, moment) for moment in moments]
    add(ledger, reversed(rows))
    ids = [row["id"] for row in rows_of(exported(ledger, "requests"))]
    assert ids == [f"{row['id']:016x}" for row in rows]


def test_a_range_without_requests_is_a_header_alone(ledger: Engine) -> None:
    lines = exported(ledger, "requests").decode().split("\r\n")
    assert lines[0].startswith("id,started_at,")
    assert lines[1:] == [""]
    table = parquet_of(exported(ledger, "requests", "parquet"))
    assert table.num_rows == 0
    assert table.schema.field("started_at").type == pa.timestamp("ms", tz="UTC")


@pytest.mark.parametrize("sign", FORMULA)
def test_text_that_a_spreadsheet_would_run_is_defused(ledger: Engine, sign: str) -> None:
    ada, _ = person(ledger, "Ada")
    attack = f"{sign}cmd|' /C calc'!A0"
    add(ledger, [request(ada, at(5), client=attack, model=attack, developer_name=attack)])
    file = exported(ledger, "requests")
    (row,) = rows_of(file)
    assert {row["tool"], row["model"], row["developer"]} == {f"'{attack}"}
    assert parquet_of(exported(ledger, "requests", "parquet"))["tool"].to_pylist() == [attack]


def test_quotes_commas_and_line_ends_in_text_stay_one_cell(ledger: Engine) -> None:
    ada, _ = person(ledger, "Ada")
    awkward = 'a "tool", with\r\nlines\nand Ω'
    add(ledger, [request(ada, at(5), client=awkward)])
    (row,) = rows_of(exported(ledger, "requests"))
    assert row["tool"] == awkward


def test_pandas_and_arrow_read_the_types(ledger: Engine) -> None:
    ada, team = person(ledger, "Ada", "Platform")
    energies = [0.1 + 0.2, 1 / 3, 1e-9, 123456789.123456789]
    rows = [
        request(ada, at(5, hour), energy_j=energy_j, team_id=team)
        for hour, energy_j in enumerate(energies)
    ]
    add(ledger, rows)
    frame = pd.read_csv(
        io.BytesIO(exported(ledger, "requests")), parse_dates=["started_at", "finished_at"]
    )
    assert frame["energy_j"].tolist() == energies
    assert frame["started_at"].iloc[0] == pd.Timestamp("2025-10-05T00:00:00Z")
    table = parquet_of(exported(ledger, "requests", "parquet"))
    assert table["energy_j"].to_pylist() == energies
    assert table.schema.field("marginal_cost").type == pa.decimal128(28, 10)
    assert table["pue"].to_pylist() == [Decimal(1)] * 4
    assert table["started_at"].to_pylist()[1] == datetime(2025, 10, 5, 1, tzinfo=UTC)
    assert table.schema.field("input_tokens").type == pa.int64()
    assert table.schema.field("streamed").type == pa.bool_()


def test_parquet_has_row_groups_dictionaries_and_zstd(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_export, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr("dashboard.reports.parquet.ROWS_IN_A_GROUP", 200)
    ada, _ = person(ledger, "Ada")
    add(ledger, [request(ada, at(5) + number) for number in range(450)])
    file = exported(ledger, "requests", "parquet")
    metadata = pa.parquet.ParquetFile(io.BytesIO(file)).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [
        200,
        200,
        50,
    ]
    columns = {
        metadata.row_group(0).column(n).path_in_schema: metadata.row_group(0).column(n)
        for n in range(metadata.num_columns)
    }
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert columns["model"].has_dictionary_page
    assert not columns["id"].has_dictionary_page


def test_a_request_that_ends_while_the_file_is_written_does_not_stop_the_writer(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two pieces the export holds nothing that a writer would have to wait for, and what
    starts meanwhile is in the file."""
    monkeypatch.setattr(requests_export, "ROWS_AT_ONCE", 2)
    ada, _ = person(ledger, "Ada")
    add(ledger, [request(ada, at(5, hour)) for hour in range(5)])
    pieces = chunks(ledger, Export("requests", "csv", Span(*OCTOBER, BERLIN), EVERYBODY))
    file = next(pieces) + next(pieces)
    add(ledger, [request(ada, at(6))])
    with ledger.connect() as connection:
        busy, pages, moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    assert (busy, pages, moved) == (0, 0, 0)
    file += b"".join(pieces)
    assert len(list(csv.reader(io.StringIO(file.decode(), newline="")))) == 1 + 6


def test_a_range_that_ends_before_it_begins_is_refused(ledger: Engine) -> None:
    with pytest.raises(ValueError, match="must begin earlier"):
        exported(ledger, "requests", days=(date(2025, 10, 2), date(2025, 10, 2)))
