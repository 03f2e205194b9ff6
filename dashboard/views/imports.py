"""Import: the usage that a team already has, from its tools' logs and its vendors' exports."""

from io import BytesIO

import pandas as pd
import streamlit as st

from dashboard import data, formats, import_charts, ui
from dashboard.ledgers import engine_of
from db import imported
from db.import_command import state
from db.importers import LABELS, Report, UsageFile, run, undo
from db.importers.record import Tally

LARGEST_MB = 200
NOBODY = "As the files say"


def usage_file(name: str, content: bytes) -> UsageFile:
    return UsageFile(name, len(content), lambda: BytesIO(content))


def tell(report: Report, *, dry_run: bool) -> None:
    """What an import did or would do. Names from files are shown as plain cells."""
    would = "would be " if dry_run else ""
    at_least = "at least " if report.lower_bound else ""
    costs = [formats.money(amount, currency) for currency, amount in report.cost.items()]
    ui.fact_table(
        {
            "Files": ", ".join(f"{n} of {LABELS[kind]}" for kind, n in report.files.items())
            or "none that can be imported",
            "Records read, repeats included": f"{report.read:,}",
            f"{would}added".capitalize(): f"{report.added:,}",
            f"{would}updated".capitalize(): f"{report.updated:,}",
            "There before": f"{report.unchanged:,}",
            "Input tokens": f"{at_least}{report.input_tokens:,}",
            "Output tokens": f"{at_least}{report.output_tokens:,}",
            "Cost": "; ".join(costs) or formats.UNKNOWN,
            "Records of unknown cost": f"{report.cost_unknown:,}",
            "Nobody's": f"{report.nobody:,}",
            "Of people whose names were erased": f"{report.erased:,}",
            "Of no developer here": ", ".join(report.unmatched) or "none",
        }
    )
    reasons("Skipped", report.skipped)
    reasons("Counted, but to know", report.remarks)


def reasons(title: str, tallies: dict[str, Tally]) -> None:
    if tallies:
        rows = [
            {"Times": one.count, title: reason, "First at": ", ".join(one.places)}
            for reason, one in tallies.items()
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True)


def import_form() -> None:
    """Files, whose they are, a dry run first, then the import."""
    uploaded = st.file_uploader(
        "Files of Claude Code, Codex, LiteLLM, OpenAI or Anthropic",
        accept_multiple_files=True,
        max_upload_size=LARGEST_MB,
        key="import-files",
    )
    names = [person.name for person in data.developers("own")]
    who = st.selectbox("Whose logs (Claude Code, Codex)", [NOBODY, *names], width=320)
    developer = None if who == NOBODY else who
    if not uploaded:
        st.caption("Prompts, answers and paths in the files are not kept.")
        return
    files = [usage_file(one.name, one.getvalue()) for one in uploaded]
    chosen = [(file.name, file.size) for file in files], developer
    with st.container(horizontal=True):
        dry_run = st.button("Try it first", icon=":material/search:")
        if dry_run:
            st.session_state["import-tried"] = chosen
        wet_run = st.button(
            "Import",
            type="primary",
            icon=":material/upload_file:",
            disabled=st.session_state.get("import-tried") != chosen,
        )
    if dry_run or wet_run:
        bar = st.progress(0.0)

        def advance(share: float) -> None:
            bar.progress(share)

        def act() -> None:
            report = run(
                engine_of("own"),
                files,
                developer=developer,
                actor=ui.actor("manager"),
                dry_run=dry_run,
                progress=advance,
            )
            tell(report, dry_run=dry_run)

        ui.attempt(act)
        bar.empty()


def totals() -> None:
    if not imported.has_imports(engine_of("own")):
        st.info(
            "Nothing is imported yet. Choose files above, or run `python -m db import` on a "
            "developer's machine: it finds the logs of Claude Code and Codex by itself.",
            icon=":material/upload_file:",
        )
        return
    frame = imported.by_month(engine_of("own"))
    ui.show(import_charts.by_month(frame), "imported-months")
    st.caption("A cost that a source does not tell is unknown, not 0.")


def history() -> None:
    past = imported.past_imports(engine_of("own"))
    if not past:
        return
    st.subheader("Past imports", anchor=False)
    zone = data.timezone()
    st.dataframe(
        pd.DataFrame(
            {
                "Import": [one.id for one in past],
                "When": [formats.local_time(one.at, zone) for one in past],
                "By": [one.actor for one in past],
                "Sources": [one.sources for one in past],
                "Files": [one.files for one in past],
                "Added": [one.added for one in past],
                "Skipped": [one.skipped for one in past],
                "State": [state(one) for one in past],
            }
        ),
        hide_index=True,
    )
    standing = [one.id for one in past if one.undone_at is None]
    if standing:
        chosen = st.selectbox("Take back import", standing, width=200)
        if st.button("Undo", icon=":material/undo:"):
            ui.confirm(
                "Undo import",
                f"All records that import {chosen} added are removed from the ledger.",
                "Undo it",
                lambda: undo(engine_of("own"), chosen, actor=ui.actor("manager")),
            )


ui.begin(
    "Import", "Usage that you already have, apart from what is metered.", always_own_ledger=True
)
import_form()
totals()
history()
