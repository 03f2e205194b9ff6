"""Messages get to a real web server and a real mail server, and what goes wrong is said."""

import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dashboard.alerts import sending
from dashboard.alerts.messages import Message, message_of, slack_payload, trial_message
from dashboard.alerts.sending import Undelivered, send
from dashboard.alerts.words import Names
from db.alert_deliveries import Due
from db.alert_destinations import Destination
from db.alert_rules import Rule
from db.settings import Settings
from tests.dashboard.alerts.receivers import (
    Mailbox,
    Webhook,
    mail_server,
    make_certificate,
    webhook,
)
from tests.db.team import NOON
from tests.product import free_port

NAMES = Names({3: "Ada <!channel> & co"}, {}, {}, "USD")
TO_ADA = Destination(2, "email", "Mail", None, ("ada@team.example", "bob@team.example"))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


def settings(**options: Any) -> Settings:
    return Settings(smtp_from="alerts@team.example", **options)


def plain(box: Mailbox) -> Settings:
    return settings(smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none")


def to(hook_url: str) -> Destination:
    return Destination(1, "webhook", "Ops", hook_url, ())


def message(*, names: Names = NAMES, **changes: Any) -> Message:
    rule = Rule("budget", Decimal(90), Decimal(85), 0, timezone="Europe/Berlin")
    fields: dict[str, Any] = {
        "id": 7, "notice": "fired", "destination": TO_ADA, "rule_id": 1,
        "subject": "developer 3 tokens", "value": Decimal("93.4"), "fired_at": NOON,
        "made_at": NOON, "ended": None, "tries": 1,
    }  # fmt: skip
    return message_of(Due(**fields | changes), rule, names, "https://costs.team.example/")


def refused(destination: Destination, options: Settings) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        send(options, destination, trial_message(None, "1"))
    assert "s3cret" not in caught.value.said
    return caught.value


def test_a_webhook_gets_slacks_format_with_what_is_foreign_escaped(hook: Webhook) -> None:
    send(settings(), to(hook.url), message())
    ((path, body),) = hook.received
    assert path == "/services/s3cretpath"
    assert body == {
        "text": ":red_circle: *Alert*: Ada &lt;!channel&gt; &amp; co has used 93.4% of the month's "
        "budget of tokens.\n"
        "Since 2026-01-01 13:00 Europe/Berlin. The rule fires at 90%, clears below 85%.\n"
        "<https://costs.team.example/settings?settings-tab=Alerts|Settings → Alerts>"
    }


@pytest.mark.parametrize(
    ("name", "active"),
    [
        ("@all", r"@\w"),
        ("@here", r"@\w"),
        ("<!channel>", r"<!"),
        ("[pay](https://evil.example)", r"\[[^]]*\]\("),
        ("![look](https://evil.example/x.png)", r"!\["),
        ("https://evil.example", r"https?://"),
        ("HTTP://evil.example", r"(?i)https?://"),
        ("www.evil.example", r"www\."),
        ("WWW.evil.example", r"(?i)www\."),
        ("*bold*", r"\*bold"),
        ("_slanted_", r"_slanted"),
        ("~struck~", r"~struck"),
        ("~town-square", r"~town"),
        ("`code`", "`"),
        ("Ada\n# Ada", r"\n#"),
    ],
)
def test_a_name_does_nothing_in_a_chat_and_can_still_be_read(name: str, active: str) -> None:
    assert re.search(active, name), "the pattern finds what it is to find"
    sent = message(names=Names({3: name}, {}, {}, "USD"))
    title = slack_payload(sent)["text"].partition("*Alert*: ")[2].partition("\nSince ")[0]
    assert not re.search(active, title)
    for word in re.findall("[a-zA-Z]{3,}", name):
        assert word in title.replace("\u200b", "")


def test_an_end_says_from_when_to_when() -> None:
    text = slack_payload(message(notice="cleared", made_at=NOON + 600_000, ended="cleared"))["text"]
    assert ":white_check_mark: *Cleared*" in text
    assert "Since 2026-01-01 13:00 Europe/Berlin until 2026-01-01 13:10 Europe/Berlin." in text


def test_an_alert_that_could_not_be_sent_before_its_end_says_that_it_is_over() -> None:
    assert "It is over by now." in slack_payload(message(ended="cleared"))["text"]


@pytest.mark.parametrize(
    ("status", "for_good", "said"),
    [
        (404, True, "knows no such webhook"),
        (410, True, "knows no such webhook"),
        (403, True, "make a new one there"),
        (400, True, "takes Slack's format"),
        (302, True, "redirect, which is not followed"),
        (429, False, "cannot take it now"),
        (500, False, "cannot take it now"),
        (503, False, "cannot take it now"),
    ],
)
def test_what_a_webhook_refuses_is_said_without_its_address(
    hook: Webhook, status: int, for_good: bool, said: str
) -> None:
    hook.status = status
    if status == 302:
        hook.elsewhere = hook.url + "/elsewhere"
    error = refused(to(hook.url), settings())
    assert (error.for_good, said in error.said) == (for_good, True), error.said
    assert len(hook.received) == 1, "no redirect was followed"


def test_an_answer_that_is_not_what_it_says_is_an_answer(hook: Webhook) -> None:
    hook.body = b"ok"
    assert send(settings(), to(hook.url), message()) is None
    assert len(hook.received) == 1


def test_an_answer_that_comes_in_drops_is_not_waited_for(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", 1.0)
    hook.goes_on = threading.Event()
    error = refused(to(hook.url), settings())
    hook.goes_on.set()
    assert "did not answer within 1 s" in error.said
    assert not error.for_good


def test_a_webhook_that_is_not_there_is_tried_again() -> None:
    error = refused(to(f"http://127.0.0.1:{free_port()}/s3cret"), settings())
    assert not error.for_good
    assert "cannot be reached from here" in error.said


def test_a_webhooks_address_is_not_logged(hook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        caplog.handler.setLevel("INFO")
        send(settings(), to(hook.url), message())
    assert "s3cretpath" not in caplog.text


def test_a_mail_gets_to_each_recipient(box: Mailbox) -> None:
    assert send(plain(box), TO_ADA, message()) is None
    ((recipients, mail),) = box.mails
    assert recipients == ["ada@team.example", "bob@team.example"]
    assert mail["Subject"].startswith("[Breakeven] Alert: Ada <!channel> & co has used 93.4%")
    assert mail["From"] == "alerts@team.example"
    assert mail["Message-ID"] == "<alert-7@breakeven.invalid>"
    text = str(mail.get_payload())
    assert "costs.team.example/settings" in text.replace("=\n", "").replace("=3D", "=")


def test_a_mail_that_was_taken_is_sent_however_the_server_parts(box: Mailbox) -> None:
    box.farewell = "421 too busy to say goodbye"
    assert send(plain(box), TO_ADA, message()) is None
    assert len(box.mails) == 1


def test_a_mail_server_that_takes_all_day_is_left(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MAIL_WITHIN_S", 0.5)
    box.waits_s = 5.0
    assert "ended the connection" in refused(TO_ADA, plain(box)).said


def test_a_mail_goes_encrypted_after_a_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate) as box:
        options = settings(
            smtp_host="127.0.0.1", smtp_port=box.port, smtp_user="ops", smtp_password="s3cret"
        )
        send(options, TO_ADA, message())
        assert box.encrypted == [True]
        wrong = options.model_copy(update={"smtp_user": "other"})
        assert "refuses the user or password" in refused(TO_ADA, wrong).said
        foreign = options.model_copy(update={"smtp_password": SecretStr("s3crét")})
        assert "plain English letters" in refused(TO_ADA, foreign).said
        assert len(box.mails) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with mail_server(make_certificate(tmp_path)) as box:
        options = settings(smtp_host="127.0.0.1", smtp_port=box.port)
        assert "its certificate does not hold" in refused(TO_ADA, options).said
        assert not box.mails


def test_one_unknown_recipient_does_not_keep_the_others_from_their_mail(box: Mailbox) -> None:
    box.refuses = "bob@team.example"
    remark = send(plain(box), TO_ADA, message())
    assert remark is not None
    assert "refused bob@team.example; the others got it" in remark
    assert box.mails[0][0] == ["ada@team.example"]


def test_where_nobody_is_known_it_is_refused_for_good(box: Mailbox) -> None:
    box.refuses = "ada@team.example"
    only = Destination(2, "email", "Mail", None, ("ada@team.example",))
    error = refused(only, plain(box))
    assert error.for_good
    assert "correct the destination's addresses" in error.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "BREAKEVEN_SMTP_HOST"),
        ({"smtp_host": "127.0.0.1", "smtp_from": None}, "BREAKEVEN_SMTP_FROM"),
        ({"smtp_host": "127.0.0.1", "smtp_port": 1}, "cannot be reached"),
    ],
)
def test_a_mail_server_that_is_not_set_or_away_is_tried_again(
    options: dict[str, Any], said: str
) -> None:
    error = refused(TO_ADA, Settings(**{"smtp_from": "alerts@team.example"} | options))
    assert said in error.said
    assert not error.for_good


def test_a_server_without_starttls_is_told_apart(box: Mailbox) -> None:
    options = settings(smtp_host="127.0.0.1", smtp_port=box.port)
    assert "BREAKEVEN_SMTP_SECURITY" in refused(TO_ADA, options).said
    assert not box.mails


def test_a_mail_password_is_in_no_error_and_in_no_print_of_the_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = settings(smtp_password="s3cret")
    assert "s3cret" not in repr(options)
