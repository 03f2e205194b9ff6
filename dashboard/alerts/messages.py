"""An alert as Slack's webhooks take it, and as a mail. What is foreign in it does nothing."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate
from zoneinfo import ZoneInfo

from dashboard.alerts import words
from dashboard.alerts.words import Names
from db.alert_deliveries import Due
from db.alert_rules import Rule

_ICONS = {"fired": ":red_circle:", "again": ":red_circle:", "cleared": ":white_check_mark:",
          "test": ":wave:"}  # fmt: skip
_TITLES = {"fired": "Alert", "again": "Still an alert", "cleared": "Cleared", "test": "Test"}
_NO_WIDTH = "\N{ZERO WIDTH SPACE}"
_IN_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_HARMLESS = str.maketrans(
    {
        "@": f"@{_NO_WIDTH}",
        "*": "\N{ASTERISK OPERATOR}",
        "_": "\N{FULLWIDTH LOW LINE}",
        "~": "\N{TILDE OPERATOR}",
        "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
        "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}",
        "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
    }
)
TEST = "This is a test of Breakeven's alerts. Nothing is the matter."


@dataclass(frozen=True, slots=True)
class Message:
    """`number` tells messages apart, so that a mail that went out twice is seen to be one."""

    notice: str
    text: str
    when: str
    link: str | None
    number: str


def message_of(due: Due, rule: Rule, names: Names, public_url: str | None) -> Message:
    if due.notice == "cleared":
        text = words.cleared_sentence(rule, due.subject, names, due.ended)
        when = f"Since {_local(due.fired_at, rule)} until {_local(due.made_at, rule)}."
    else:
        text = words.sentence(rule, due.subject, due.value, names)
        over = " It is over by now." if due.ended is not None else ""
        when = f"Since {_local(due.fired_at, rule)}.{over} "
        when += f"The rule fires {words.condition(rule, names)}."
    return Message(due.notice, text, when, link_to(public_url), f"alert-{due.id}")


def trial_message(public_url: str | None, number: str) -> Message:
    return Message("test", TEST, "", link_to(public_url), number)


def link_to(public_url: str | None) -> str | None:
    """Settings → Alerts, where it is known how people reach it."""
    return f"{public_url.rstrip('/')}/{words.SETTINGS_PATH}" if public_url else None


def slack_payload(message: Message) -> dict[str, str]:
    """As incoming webhooks take it; Mattermost, Rocket.Chat and others do so too."""
    title = f"{_ICONS[message.notice]} *{_TITLES[message.notice]}*: {_slack(message.text)}"
    link = f"<{_escaped(message.link)}|Settings → Alerts>" if message.link else ""
    return {"text": "\n".join(part for part in (title, _escaped(message.when), link) if part)}


def mail(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    made = EmailMessage()
    one_line = " ".join(message.text.split())
    made["Subject"] = f"[Breakeven] {_TITLES[message.notice]}: {one_line}"[:200]
    made["From"] = sender
    made["To"] = ", ".join(recipients)
    made["Date"] = formatdate()
    made["Message-ID"] = f"<{message.number}@breakeven.invalid>"
    made["Auto-Submitted"] = "auto-generated"
    parts = (message.text, message.when, message.link)
    made.set_content("\n\n".join(part for part in parts if part))
    return made


def _slack(text: str) -> str:
    """No mention, link or markup comes of what is foreign, in Slack's format or in Markdown: a
    sign that would mean something there gets a letter of no width beside it, or is shown by one
    that looks like it."""
    no_links = _IN_LINKS.sub(_NO_WIDTH, " ".join(text.split()))
    return _escaped(no_links).translate(_HARMLESS)


def _escaped(text: str) -> str:
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    return text


def _local(at_ms: int, rule: Rule) -> str:
    zone = ZoneInfo(rule.timezone)
    return f"{datetime.fromtimestamp(at_ms / 1000, zone):%Y-%m-%d %H:%M} {rule.timezone}"
