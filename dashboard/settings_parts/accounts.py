"""Accounts: who may sign in, and as whom; with new passwords, and disabled."""

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db import accounts, passwords
from db.accounts import Account, Holder
from db.admins import enters_by_email
from db.people import Person

MADE = "made-password"
OWN = {"admin": "Nobody's: an admin", "manager": "Nobody's: a manager"}
EMAIL_HELP = "Whoever signs in through your organisation with this e-mail has this account."
PASSWORD_HELP = (
    f"{passwords.SHORTEST} characters or more. Empty: one is made up, unless there is an e-mail to "
    "enter by. Whoever signs in with it has to choose another one at once."
)


def draw() -> None:
    st.markdown(
        "Who may sign in once the server listens beyond this machine. An account that belongs to a "
        "developer has the role that they have on **People**, from when it holds there."
    )
    _show_password()
    listed = accounts.list_accounts(engine_of("own"))
    admin = data.viewer().is_at_least("admin")
    if admin:
        _add(listed)
    if not listed:
        st.info("Nobody can sign in yet. Add an admin's account first.", icon=":material/badge:")
        return
    st.dataframe(_table(listed), hide_index=True, alt="Accounts by name")
    _warn_of_no_way_in(listed)
    if admin:
        _change(listed)


def _warn_of_no_way_in(listed: list[Account]) -> None:
    names = [it.name for it in listed if it.may_enter and not it.has_password]
    if names and not enters_by_email():
        st.warning(
            "No organisation's sign-in is set up here, so whoever has no password cannot sign in: "
            f"{formats.escape(', '.join(names))}. Reset their password, or configure OpenID "
            "Connect.",
            icon=":material/no_accounts:",
        )


def _table(listed: list[Account]) -> pd.DataFrame:
    zone = data.timezone()
    return pd.DataFrame(
        {
            "Name": [it.name for it in listed],
            "Role": [it.role for it in listed],
            "Developer": [it.developer or "" for it in listed],
            "E-mail": [it.email or "" for it in listed],
            "Password": [_password_state(it) for it in listed],
            "State": [_state(it) for it in listed],
            "Added": [formats.local_time(it.created_at, zone) for it in listed],
        }
    )


def _password_state(account: Account) -> str:
    if not account.has_password:
        return "none"
    return "one-time" if account.must_change else "set"


def _state(account: Account) -> str:
    if account.may_enter:
        return "active"
    return "disabled" if account.disabled_at is not None else "developer archived"


def _add(listed: list[Account]) -> None:
    with st.form("add-account", border=True):
        st.markdown("**Add an account**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name to sign in with", placeholder="ada")
            whose = _whose(listed, None)
            email = st.text_input("E-mail (optional)", help=EMAIL_HELP)
            typed = st.text_input(
                "One-time password", type="password", help=PASSWORD_HELP, placeholder="made up"
            )
            sent = st.form_submit_button("Add", type="primary", icon=":material/person_add:")
    if sent and ui.attempt(lambda: _save_new(name, whose, email, typed)):
        st.rerun()


def _save_new(name: str, whose: Holder, email: str, typed: str) -> None:
    password = typed or (None if email.strip() else passwords.one_time())
    added = accounts.add_account(
        engine_of("own"),
        name,
        whose,
        email=email,
        password=password,
        must_change=password is not None,
        actor=ui.actor("admin"),
    )
    if password is not None:
        _remember(added, password, typed)


def _change(listed: list[Account]) -> None:
    with st.container(border=True):
        by_id = {account.id: account for account in listed}
        account = by_id[
            st.selectbox(
                "Change an account", list(by_id), format_func=lambda it: by_id[it].name, width=320
            )
        ]
        with (
            st.form(f"account-{account.id}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            whose = _whose(listed, account)
            email = st.text_input("E-mail", account.email or "", help=EMAIL_HELP)
            if st.form_submit_button("Save") and ui.attempt(
                lambda: accounts.change_account(
                    engine_of("own"), account.id, whose, email, actor=ui.actor("admin")
                ),
                done="Saved",
            ):
                st.rerun()
        with (
            st.form(f"account-password-{account.id}", border=False, clear_on_submit=True),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            typed = st.text_input(
                "New one-time password",
                type="password",
                help=PASSWORD_HELP,
                placeholder="made up",
            )
            if st.form_submit_button("Reset the password", icon=":material/lock_reset:") and (
                ui.attempt(lambda: _reset(account, typed))
            ):
                st.rerun()
        st.caption("A new password signs the account out everywhere.")
        _disable_or_enable(account)


def _reset(account: Account, typed: str) -> None:
    password = typed or passwords.one_time()
    accounts.set_password(
        engine_of("own"), account.id, password, actor=ui.actor("admin"), must_change=True
    )
    _remember(account, password, typed)


def _disable_or_enable(account: Account) -> None:
    if account.disabled_at is not None:
        if st.button("Enable", icon=":material/person_check:") and ui.attempt(
            lambda: accounts.enable_account(engine_of("own"), account.id, actor=ui.actor("admin")),
            done=f"{account.name} may sign in again",
        ):
            st.rerun()
    elif st.button("Disable", icon=":material/person_off:"):
        ui.confirm(
            "Disable account",
            f"**{formats.escape(account.name)}** is signed out at once and may not sign in again. "
            "You can enable the account later. Keys of its developer go on working.",
            "Disable it",
            lambda: accounts.disable_account(engine_of("own"), account.id, actor=ui.actor("admin")),
        )


def _whose(listed: list[Account], account: Account | None) -> Holder:
    """A choice of the developers who have no account yet, and of nobody's, by role."""
    present = account.holder if account is not None else Holder()
    taken = {it.developer_id for it in listed} - {present.developer_id}
    people = {person.id: person for person in data.developers("own") if person.id not in taken}
    options = [
        *[Holder(developer_id) for developer_id in people],
        Holder(role="manager"),
        Holder(role="admin"),
    ]
    if present != Holder() and present not in options:  # an archived developer's
        options.append(present)
    first = 0 if listed else len(options) - 1  # the first account of all is an admin's
    return st.selectbox(
        "Whose account",
        options,
        index=options.index(present) if present in options else first,
        format_func=lambda holder: _holder_words(holder, people, account),
    )


def _holder_words(holder: Holder, people: dict[int, Person], account: Account | None) -> str:
    if holder.role is not None:
        return OWN[holder.role]
    if (person := people.get(holder.developer_id or 0)) is not None:
        return f"{person.name}, {person.role}"
    return f"{account.developer if account else ''}, archived"


def _remember(account: Account, password: str, typed: str) -> None:
    """A password that was made up is shown until it was copied; one that was typed is known."""
    if not typed:
        st.session_state[MADE] = (account.name, password)


def _show_password() -> None:
    if (made := st.session_state.get(MADE)) is None:
        return
    name, password = made
    ui.show_once(
        MADE,
        f"One-time password of {formats.escape(name)}. Copy it now: it is shown this once, and has "
        "to be replaced when they first sign in.",
        password,
    )
