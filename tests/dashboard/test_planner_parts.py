"""The planner's parts without its page: the team as a scenario, links, files, key figures."""

import base64
import json
import zlib
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import charts_planner
from dashboard.costs.ownership.financing import Loan
from dashboard.costs.plan import Progress, QueuePlan, plan, queue
from dashboard.costs.scenario import Scenario, founding, to_toml
from dashboard.planner import links, simulation, start
from dashboard.planner.compare import side_by_side
from dashboard.planner.discounts import FROM, PERCENT, MistakeError, rows_of, tiers_of
from dashboard.planner.library import LARGEST_FILE, UnreadableError, read_file
from dashboard.planner.words import key_figures, tiles
from db.prices import FOUNDING, CostSettings
from tests.dashboard.costs.plan.scenarios import on_card, varied

TODAY = date(2026, 11, 25)
POWER = start.Power(idle_w=200, active_w=500, active_share=0.25, measured=True)


def settings_of(**changes: Any) -> CostSettings:
    return CostSettings(**{**FOUNDING, "valid_from": 0, "in_service_is_set": True, **changes})


def team(**changes: Any) -> start.Team:
    power = changes.pop("power", None)
    tokens = changes.pop("tokens", None)
    return start.Team(settings_of(**changes), developers=5, tokens=tokens, power=power)


def test_the_team_as_it_is_has_every_price_in_force() -> None:
    scenario = start.scenario_of(
        team(
            hardware_price=Decimal(40_000),
            hardware_life_months=48,
            residual_value=Decimal(4_000),
            in_service_date=date(2025, 3, 1),
            pue=Decimal("1.2"),
            operations_per_month=Decimal(300),
            currency="EUR",
        ),
        TODAY,
    )
    month = plan(scenario).month
    assert scenario.start == date(2025, 3, 1)
    assert scenario.horizon_months == 48
    # 0.7 kW × 720 h × 1.2 × 0.18 = 108.864; (40,000 − 4,000) ÷ 48 = 750
    assert (month.electricity, month.operations) == (Decimal("108.86"), Decimal(300))
    assert (month.depreciation, month.seats) == (Decimal(750), Decimal(1000))


def test_hardware_that_is_not_in_service_yet_begins_today() -> None:
    assert start.scenario_of(team(), TODAY).start == TODAY


def test_watts_are_the_meters_where_settings_choose_the_meter() -> None:
    load = start.load_of(team(electricity_basis="metered", power=POWER))
    assert load.basis == "measured"
    assert load.mean_w(12) == 275  # 200 + 0.25 × 300


@pytest.mark.parametrize(
    "changes",
    [
        {"electricity_basis": "nameplate", "power": POWER},
        {"electricity_basis": "metered", "power": None},
        {"electricity_basis": "metered", "power": start.Power(200, 500, 0.25, measured=False)},
    ],
)
def test_else_they_are_the_nameplates_and_say_so(changes: dict[str, Any]) -> None:
    known = team(**changes)
    load = start.load_of(known)
    assert load.basis == "nameplate"
    assert load.idle_w == load.active_w == 700
    assert "nameplate" in start.power_words(known)


def quarters(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["complete_j", "idle_j", "covered_s", "partial_s"])


def test_power_at_work_is_the_busiest_quarters_and_the_mean_is_kept() -> None:
    # 900 s at 200 W idle; in the second quarter 400 W, in the third 300 W.
    power = start.power_of(
        quarters((180e3, 180e3, 900, 0), (360e3, 180e3, 900, 0), (270e3, 180e3, 900, 0)),
        measured=True,
    )
    assert power is not None
    assert (power.idle_w, power.active_w, power.measured) == (200, 400, True)
    assert power.active_share == pytest.approx(0.5)


def test_quarters_with_a_missing_device_tell_nothing() -> None:
    nan = float("nan")
    assert start.power_of(quarters((90e3, 90e3, 500, 400), (nan, nan, 0, 0)), measured=True) is None


def test_the_founding_scenario_has_the_shortest_link() -> None:
    assert links.decode(links.encode(founding())) == founding()
    assert len(links.encode(founding())) < 20


@settings(max_examples=30, deadline=None)
@given(
    developers=st.integers(0, 1000),
    price=st.decimals(0, 10**6, places=2),
    pue=st.decimals(1, 3, places=2),
    loan=st.booleans(),
)
def test_a_link_holds_the_whole_scenario(
    developers: int, price: Decimal, pue: Decimal, loan: bool
) -> None:
    asset = founding().assets[0].model_copy(update={"unit_price": price})
    changes: dict[str, Any] = {"developers": developers, "assets": (asset,), "pue": pue}
    if loan:
        changes["financing"] = Loan(percent_per_year=Decimal(7), months=36)
    sent = founding().model_copy(update=changes)
    text = links.encode(sent)
    assert links.decode(text) == sent
    assert text.replace("-", "").replace("_", "").replace(".", "").isalnum()


def packed(changes: object) -> str:
    text = json.dumps(changes).encode()
    return "1." + base64.urlsafe_b64encode(zlib.compress(text)).decode().rstrip("=")


@pytest.mark.parametrize(
    "link",
    [
        "",
        "1.",
        "1.x",
        "1.%%%%",
        "2.eJw",
        links.encode(founding().model_copy(update={"developers": 8}))[:-4],
        packed([["no.such.place", 1]]),
        packed([["developers", -1]]),
        packed([["name.inside", 1]]),
        packed({"a": 1}),
        packed(7),
        packed([[1, 2]]),
        packed("0" * 10**7),
        "1." + "A" * 7_000,
    ],
)
def test_a_link_that_is_none_is_told_in_a_sentence(link: str) -> None:
    with pytest.raises(links.BadLinkError, match=r"[Ll]ink.*\.$"):
        links.decode(link)


def test_a_scenario_that_no_address_holds_is_told_so() -> None:
    noise = "".join(chr(33 + number * 7919 % 9973) for number in range(9_000))
    with pytest.raises(links.BadLinkError, match="Download it as a file"):
        links.encode(founding().model_copy(update={"note": noise}))


def test_the_link_leads_to_the_planner_of_the_server_that_is_read() -> None:
    link = links.address("https://gpu-box/costs/energy", founding())
    assert link.startswith("https://gpu-box/costs/planner?plan=1.")


def test_a_file_is_read_as_it_was_written() -> None:
    assert read_file(to_toml(founding()).encode()) == founding()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "no text"),
        (b"name = ", "not valid TOML"),
        (b'name = "x"', "no scenario.*currency|no scenario.*start"),
        (to_toml(founding()).replace("developers = 5", "developers = -5").encode(), "developers"),
        (b"#" * (LARGEST_FILE + 1), "too large"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_file(content)


def of(**changes: Any) -> Scenario:
    return founding().model_copy(update=changes)


def test_never_is_an_answer_in_tiles_and_charts() -> None:
    alone = plan(of(developers=0))
    assert tiles(alone)[0].value == "never"
    assert tiles(alone)[5].value == "100%"
    assert key_figures(alone)["Break-even"] == "never"
    assert "never catches up" in charts_planner.cost_curves(alone).title
    assert charts_planner.compared({"a": alone}).title.startswith("None of these")


def test_cost_curves_meet_where_the_headline_says() -> None:
    found = plan(founding())
    table = charts_planner.cost_curves(found).table
    after = table[table["month"] == 28].iloc[0]
    # 25,000 + 28 × 90 = 27,520 against 28 × 1,000
    assert (after["self-hosted, USD"], after["seats, USD"]) == (27_520, 28_000)


def test_scenarios_stand_side_by_side_with_the_same_rows() -> None:
    table = side_by_side({"five": plan(founding()), "ten": plan(of(developers=10))})
    rows = table.set_index("Figure")
    assert list(rows.loc["Break-even"]) == ["27.5 months", "13.1 months"]
    assert list(rows.loc["Seats a month"]) == ["$1,000.00", "$2,000.00"]


def typed(*rows: tuple[float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[FROM, PERCENT], dtype="Float64")


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.decimals(0, 100, places=6)),
        unique_by=lambda tier: tier[0],
        max_size=5,
    )
)
def test_discounts_that_nobody_changes_come_back_as_they_were(
    tiers: list[tuple[int, Decimal]],
) -> None:
    before = [{"from_count": count, "percent": percent} for count, percent in tiers]
    after = tiers_of(rows_of(before), before)
    assert list(after) == before


def test_typed_discounts_are_taken_and_empty_rows_passed_over() -> None:
    assert tiers_of(typed((8, 12.5), (None, None), (4, 5)), ()) == (
        {"from_count": 8, "percent": Decimal("12.5")},
        {"from_count": 4, "percent": Decimal(5)},
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((4, None), "row 2 does not say how many percent"),
        ((None, 5), "row 2 does not say from how many units"),
        ((2.5, 5), "row 2 needs a whole number of units"),
        ((0, 5), "row 2 needs a whole number of units"),
        ((4, 101), "row 2 needs a percentage from 0 to 100"),
        ((8, 10), "two rows begin at 8 units"),
    ],
)
def test_a_discount_that_makes_no_sense_is_told_by_its_row(
    row: tuple[float | None, float | None], said: str
) -> None:
    with pytest.raises(MistakeError, match=said):
        tiers_of(typed((8, 5), row), ())


def test_a_link_and_a_file_hold_all_hardware_and_all_loads() -> None:
    asset, load = founding().assets[0], founding().loads[0]
    several = of(
        assets=tuple(asset.model_copy(update={"name": f"Card {place}"}) for place in range(12)),
        loads=tuple(load.model_copy(update={"name": f"Load {place}"}) for place in range(12)),
    )
    assert links.decode(links.encode(several)) == several
    assert read_file(to_toml(several).encode()) == several


QUICK = varied(
    capacity=on_card(
        workload={
            "arrivals": {"kind": "poisson", "per_developer_hour": 600},
            "tokens": {
                "kind": "lognormal",
                "prompt_mean": 500,
                "prompt_p95": 900,
                "answer_mean": 5,
                "answer_p95": 9,
            },
        }
    )
)


def test_the_simulation_tells_how_far_it_is_and_then_its_result() -> None:
    *steps, result = [told for told in simulation.simulate(QUICK) if told is not None]
    assert isinstance(result, QueuePlan)
    assert result == queue(QUICK)
    assert all(isinstance(step, Progress) for step in steps)
    done = [step.done for step in steps if isinstance(step, Progress)]
    assert done == sorted(set(done))
    assert {step.of for step in steps if isinstance(step, Progress)} == {max(done) + 1}
    simulated = {step.developers for step in steps if isinstance(step, Progress)}
    assert {point.developers for point in result.curve if not point.unstable} <= simulated


def test_a_simulation_that_is_left_ends_its_process() -> None:
    before = set(psutil.Process().children())
    course = simulation.simulate(QUICK)
    next(told for told in course if told is not None)
    (child,) = set(psutil.Process().children()) - before
    course.close()
    assert not child.is_running()


def test_a_simulation_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        simulation, "COMMAND", (*simulation.COMMAND[:1], "-c", "raise SystemExit(3)")
    )
    with pytest.raises(simulation.SimulationError, match="without a result"):
        list(simulation.simulate(QUICK))


def test_a_simulation_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "LONGEST_S", 0)
    with pytest.raises(simulation.SimulationError, match="stopped after 0 seconds"):
        list(simulation.simulate(QUICK))


def test_the_word_at_the_seat_s_price_does_not_stretch_a_logarithmic_axis() -> None:
    found = plan(founding()).capacity
    assert found is not None
    chart = charts_planner.scale_out(found, Decimal(200))
    (word,) = chart.figure.layout.annotations
    assert 10**word.y == pytest.approx(200)
