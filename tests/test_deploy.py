"""The files in `.deploy` name options that there are, and all that a team needs."""

import re
from pathlib import Path

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from db.settings import PREFIX, Settings

COMPOSE = (Path(__file__).parent.parent / ".deploy" / "compose.yaml").read_text()


def test_compose_hands_on_mail_public_address_and_the_organisations_sign_in() -> None:
    handed_on = set(re.findall(rf"^ +- ({PREFIX}\w+)", COMPOSE, re.MULTILINE))
    options = {PREFIX + name.upper() for name in Settings.model_fields}
    groups = ("PUBLIC_URL", "OIDC_", "SMTP_")
    needed = {name for name in options if name.removeprefix(PREFIX).startswith(groups)}
    assert needed <= handed_on <= options


def test_compose_trusts_dockers_bridges_and_nobody_else_to_name_the_visitor() -> None:
    found = re.search(r"FORWARDED_ALLOW_IPS:-([\d./]+)}", COMPOSE)
    assert found is not None
    trusted = ProxyHeadersMiddleware(_nothing, found[1]).trusted_hosts
    assert "172.17.0.1" in trusted
    assert "172.31.0.1" in trusted
    assert "203.0.113.9" not in trusted
    assert "10.0.0.1" not in trusted


async def _nothing(*_: object) -> None:
    pass
