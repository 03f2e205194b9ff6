"""What a plan comes to: the headline, key figures, charts, schedules, and what they rest on."""

from decimal import Decimal
from functools import lru_cache

import pandas as pd
import streamlit as st

from dashboard import charts_costs, charts_planner, formats, ui
from dashboard.charts import Chart
from dashboard.costs.break_even.tornado import Tornado, TornadoRow
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.plan import Plan, plan
from dashboard.costs.scenario import Scenario
from dashboard.planner.words import tiles


@lru_cache(maxsize=64)
def worked_out(scenario_json: str) -> Plan:
    """Twenty a second; a page that is drawn anew for something else asks for the same again.
    ValueError as in `plan`."""
    return plan(Scenario.model_validate_json(scenario_json))


def headline(found: Plan) -> None:
    """The sentence, whether the hardware can do it at all, and the key figures."""
    st.subheader(formats.escape(found.headline), anchor=False)
    fit(found)
    with st.grid(6, min_column_width=150):
        for tile in tiles(found):
            with st.container(border=True, height="stretch"):
                st.metric(tile.label, tile.value, help=tile.explain)
                st.caption(formats.escape(tile.note))
    if found.capacity is not None:
        for sentence in found.capacity.sentences[1:]:
            st.caption(formats.escape(sentence))


def fit(found: Plan) -> None:
    """Beside the headline: money is beside the point where the model does not fit."""
    capacity = found.capacity
    if capacity is None:
        st.caption(
            ":material/help: Whether this hardware can serve the team is not checked. Name the "
            "model and the hardware under **Model, hardware and load**."
        )
        return
    first = formats.escape(capacity.sentences[0])
    if capacity.holds and capacity.serves:
        st.caption(f":material/check_circle: {first}")
    elif capacity.holds:
        reason = formats.escape(f"It does not serve this team: {capacity.reason}.")
        st.warning(f"{first} {reason}", icon=":material/memory_alt:")
    else:
        st.warning(first, icon=":material/memory_alt:")


def draw_charts(found: Plan) -> None:
    with st.grid(2, min_column_width=440):
        _show(charts_planner.cost_curves(found), "cost-curves")
        _show(charts_planner.cash_flow(found), "cash-flow")
        _by_developers(found)
        _tornado(found)
        if found.api is not None and found.api.by_utilisation is not None:
            _show(charts_costs.cost_by_utilisation(found.break_even.case), "by-utilisation")
        if found.capacity is not None and found.capacity.grown:
            seat = found.break_even.case.seat_price_per_month
            _show(charts_planner.scale_out(found.capacity, seat), "scale-out")
    for sentence in found.api.sentences if found.api else ():
        st.caption(formats.escape(sentence))
    if found.uncertainty is not None:
        st.caption(formats.escape(found.uncertainty.sentence))


def _by_developers(found: Plan) -> None:
    """By team size; with a band where the inputs are unsure, and the team is not."""
    even, life = found.break_even.by_developers, found.hardware.life_months
    spreads = found.uncertainty.teams if found.uncertainty else ()
    top = life * charts_costs.LIVES_SHOWN
    if any(one.months.low is not None and one.months.low <= top for one in spreads):
        _show(charts_costs.break_even_by_developers(spreads, life), "by-developers")
    elif any(one.months is not None and one.months <= top for one in even):
        _show(charts_planner.by_developers(even, life), "by-developers")
    else:
        _nothing(
            "Break-even by team size",
            f"No team up to {even[-1].developers:,} breaks even within {top} months, three of the "
            f"hardware's lives. {found.break_even.smallest_team_sentence}",
        )


def _tornado(found: Plan) -> None:
    if found.uncertainty is None:
        return
    moving = _that_move(found.uncertainty.tornado)
    if moving.rows:
        _show(charts_costs.tornado(moving), "tornado")
        return
    if not found.scenario.developers:
        why = "Without developers there is no seat to save, so it never breaks even."
    elif moving.base is None:
        why = "It never breaks even, whichever single input turns out otherwise."
    else:
        why = "No single input moves break-even by as much as a hundredth."
    _nothing("What break-even hangs on", why)


def _nothing(title: str, why: str) -> None:
    """In the place of a chart that would have nothing in it."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.caption(formats.escape(why))


def _that_move(tornado: Tornado) -> Tornado:
    """Without inputs that move break-even by less than a hundredth."""
    least = (tornado.base or 0) / 100
    rows = [row for row in tornado.rows if _swing(row) > least]
    return tornado.model_copy(update={"rows": tuple(rows)})


def _swing(row: TornadoRow) -> Decimal:
    low, high = row.result_at_low, row.result_at_high
    if low is None or high is None:
        return Decimal(0) if low == high else Decimal("Infinity")
    return abs(high - low)


def _show(chart: Chart, name: str) -> None:
    ui.show(chart, f"planner-{name}", file_name=f"{name}.csv")


def schedules(found: Plan) -> None:
    with st.expander("Schedules", icon=":material/table:"):
        depreciation, month, cash, loan = st.tabs(["Depreciation", "A month", "Cash flows", "Loan"])
        with depreciation:
            _depreciation(found)
        with month:
            _month(found)
        with cash:
            ui.table(charts_planner.flow_table(found), "planner-flows-csv", "cash-flows.csv")
        with loan:
            _loan(found)


def _depreciation(found: Plan) -> None:
    owned = found.ownership
    if not owned.tax_schedules_if_kept:
        st.caption("The hardware stays the lessor's, so nothing depreciates.")
        return
    books = zip(owned.book_schedules_if_kept, owned.tax_schedules_if_kept, strict=True)
    for place, (book, tax) in enumerate(books):
        for kind, schedule in (("tax", tax), ("books", book)):
            method = schedule.method.replace("_", " ")
            st.markdown(formats.escape(f"{schedule.asset}: for {kind}, {method}"))
            ui.table(
                _schedule(schedule),
                f"planner-{kind}-{place}-csv",
                f"depreciation-{kind}-{place + 1}.csv",
            )
    saved = formats.money(owned.first_year_shield, found.scenario.currency)
    st.caption(formats.escape(f"In the first tax year depreciation saves {saved} of tax."))


def _schedule(schedule: Schedule) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tax year": [str(row.year) for row in schedule.rows],
            "depreciation": [float(row.depreciation) for row in schedule.rows],
            "so far": [float(row.accumulated) for row in schedule.rows],
            "book value": [float(row.book_value) for row in schedule.rows],
        }
    )


def _month(found: Plan) -> None:
    """A typical month, row by row."""
    bill, month = found.electricity, found.month
    rows = [(f"Electricity: {one.name}, {one.kwh:,.1f} kWh", one.cost) for one in bill.periods]
    rows += [("Electricity: demand charge", bill.demand), ("Electricity: fee", bill.fixed)]
    rows += [(f"Operations: {one.name}, {one.how}", one.per_month) for one in found.operations.rows]
    rows += [
        ("Depreciation", month.depreciation),
        ("Self-hosted, fully loaded", month.self_hosted),
        ("Seats", month.seats),
    ]
    frame = pd.DataFrame(
        {
            "What": [name for name, _ in rows],
            f"{found.scenario.currency} a month": [float(amount) for _, amount in rows],
        }
    )
    ui.table(frame, "planner-month-csv", "month.csv")


def _loan(found: Plan) -> None:
    loan = found.ownership.evaluation.loan
    if loan is None:
        st.caption("There is no loan in this scenario.")
        return
    payments = [payment.model_dump() for payment in loan.payments]
    ui.table(pd.DataFrame(payments).astype(float), "planner-loan-csv", "loan.csv")
    total = formats.money(loan.total_interest, found.scenario.currency)
    st.caption(formats.escape(f"Interest in all: {total}."))


def assumptions(found: Plan) -> None:
    with st.expander("What these figures rest on", icon=":material/rule:"):
        for one in found.assumptions:
            st.text(f"• {one.text}")
            if one.source:
                st.caption(formats.escape(f"Source: {one.source}"))
