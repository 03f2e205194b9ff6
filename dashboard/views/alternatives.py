"""Alternatives: what a range's requests would have cost in seats, by the token, on rented GPUs."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboard import data, filters, formats, studies_table, ui
from dashboard.alternatives import choices, own_prices, tables, words
from dashboard.alternatives.chart import cost_bars
from dashboard.alternatives.choices import Choices
from dashboard.alternatives.offers import Offer, Ranged
from dashboard.alternatives.own_prices import OwnOffer
from dashboard.alternatives.vendors import vendor_models
from dashboard.overview import View
from db.errors import InvalidInput

OWN = "own"  # the query's name and the session's


def own_offers() -> list[OwnOffer]:
    """Prices that the address states, else those of this session, which then stand in it."""
    texts = st.query_params.get_all(OWN) or st.session_state.get(OWN, [])
    if texts:
        st.session_state[OWN] = st.query_params[OWN] = texts
    found = []
    for text in texts:
        try:
            found.append(own_prices.from_text(text))
        except InvalidInput as error:
            st.warning(formats.escape(error.message), icon=":material/warning:")
    return found


def keep(own: Sequence[OwnOffer]) -> None:
    st.session_state[OWN] = st.query_params[OWN] = [own_prices.to_text(each) for each in own]


def choose(found: Ranged, own: Sequence[OwnOffer]) -> Choices:
    """What to compare with. All of it stands in the address."""
    usual = choices.default_choices(found.models, found.today)
    with st.expander("Choose what to compare with", icon=":material/tune:"):
        apis = st.multiselect(
            "Vendors' own models, by the token",
            list(vendor_models(found.today)),
            default=usual.apis,
            key="api",
            bind="query-params",
        )
        hosts = st.multiselect(
            "Open models at a host, by the token",
            choices.host_names(found.today),
            default=usual.hosts,
            key="host",
            bind="query-params",
            help="The same models: each as itself, as far as the host lists it. Others: all "
            "requests as that model.",
        )
        gpus = st.multiselect(
            "Rented GPUs, by the hour",
            list(choices.gpu_names()),
            default=usual.gpus,
            key="gpu",
            bind="query-params",
        )
        with st.container(horizontal=True):
            count = st.number_input(
                "GPUs rented", 1, 10_000, 1, key="gpus", bind="query-params", width=180
            )
            hours = st.number_input(
                "Hours a month", 1, 744, None, key="hours", bind="query-params", width=180,
                placeholder="all", help="Empty: all hours of the range.",
            )  # fmt: skip
    rented = None if hours is None else Decimal(hours)
    return Choices(apis, hosts, gpus, int(count), rented, own)


def state_a_price(own: Sequence[OwnOffer]) -> None:
    """A form that adds a price of one's own, and those that there are."""
    with st.expander("Add a price of your own", icon=":material/add:"):
        st.caption(
            "In US dollars per million tokens: a contract, or a model that no list has. It is kept "
            "in this page's address and in this session, and nowhere else."
        )
        with (
            st.form("own-price", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            name = st.text_input("Name", max_chars=own_prices.MOST_NAME)
            prices = [
                st.text_input(label, width=140)
                for label in ("Input", "Cached input, if apart", "Output")
            ]
            added = st.form_submit_button("Add the price")
        if added and ui.attempt(lambda: keep([*own, own_prices.own_offer(name, *prices)])):
            st.rerun()
        if own and st.button("Remove all of them", icon=":material/delete:"):
            st.session_state.pop(OWN, None)
            st.query_params.pop(OWN, None)
            st.rerun()


def compared(found: Ranged, shown: Sequence[Offer]) -> None:
    """The charts, the table, and the file."""
    for currency in dict.fromkeys(offer.currency for offer in shown):
        ui.show(cost_bars(shown, currency), f"alternatives-{currency}")
    table = tables.offer_table(shown)
    if not found.imported.rows:
        table = table.drop(columns="Imported use, apart")
    with st.container(border=True):
        st.markdown(f"**Each alternative, {found.period.words}**")
        st.dataframe(
            table,
            hide_index=True,
            height="content",
            key="offers",
            column_config={
                "Alternative": st.column_config.TextColumn(pinned=True),
                "Would have cost": st.column_config.TextColumn(alignment="right"),
                "Beside self-hosted": st.column_config.TextColumn(
                    alignment="right", help="More or less than self-hosted, fully loaded."
                ),
                "Imported use, apart": st.column_config.TextColumn(
                    alignment="right",
                    help="What imported files tell would have cost, at the same prices. It is in "
                    "no other figure; seats and GPUs cost the same, whatever else was used. With "
                    "the range All, what is from before the hardware's first day is in it too.",
                ),
                "Unknown": st.column_config.TextColumn(help="Which part has no price, and why."),
            },
        )
        st.download_button(
            "Download all rows as CSV",
            lambda: tables.offers_csv(shown, found.period.end_ms),
            "breakeven-alternatives.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def behind(shown: Sequence[Offer]) -> None:
    """One alternative's rows, and what it rests on."""
    with st.container(border=True):
        st.markdown("**Who is behind a figure**")
        place = st.selectbox(
            "Alternative", range(len(shown)), format_func=lambda at: shown[at].name, width=420
        )
        offer = shown[place]
        parts = [("Metered by the gateway", offer.rows)]
        if offer.imported is not None:
            parts.append(("Imported, in no other figure", offer.imported.rows))
        for label, rows in parts:
            st.caption(label)
            st.dataframe(
                tables.row_table(rows),
                hide_index=True,
                key=f"behind-{label}",
                column_config=tables.row_columns(offer),
                placeholder="",
            )
        for reason in offer.reasons:
            st.text(f"• Unknown: {reason}.")
        for note in dict.fromkeys((*offer.notes, *_imported_notes(offer))):
            st.text(f"• {note}")


def _imported_notes(offer: Offer) -> tuple[str, ...]:
    return () if offer.imported is None else offer.imported.notes


def study() -> None:
    with st.expander("A published study, recomputed", icon=":material/fact_check:"):
        st.caption(studies_table.CAPTION)
        st.dataframe(
            studies_table.study_table(),
            hide_index=True,
            key="study",
            column_config=studies_table.columns(),
        )


ui.begin("Alternatives", "What these very requests would have cost elsewhere.")
span = filters.choose_range("month")
view = View(data.chosen_ledger(), span, data.timezone().key)
try:
    found = data.alternatives(view)
except InvalidInput as error:
    st.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
own = own_offers()
shown = data.offers(view, choose(found, own), found.today)
st.info(words.AT_EQUAL_TOKENS, icon=":material/balance:")
compared(found, shown)
for sentence in words.cautions(found, shown):
    st.caption(formats.escape(sentence))
behind(shown)
state_a_price(own)
study()
