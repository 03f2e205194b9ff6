"""Templates come with models from anywhere: none of them may execute, hang or fill the memory."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.model.chat_template import ChatTemplate
from engine.model.errors import ChatTemplateError, ModelFileError

ROOT = Path(__file__).resolve().parents[3]
CHAT = [{"role": "user", "content": "Hi"}]
LOOP = "{% for a in range(100000) %}"
GROWING = "{% set n = namespace(x='xxxxxxxx', y='xxxxxxxx') %}{% for i in range(64) %}"

HOSTILE = {
    "reaches for its class": "{{ messages.__class__.__mro__[-1].__subclasses__() }}",
    "reaches for a function's globals": "{{ raise_exception.__globals__.keys() }}",
    "a range too long": "{% for a in range(10**8) %}{% endfor %}",
    "loops in loops": LOOP * 3 + "{% endfor %}" * 3,
    "loops without a call": (
        "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% for c in r %}"
        "{% endfor %}{% endfor %}{% endfor %}"
    ),
    "output without end": LOOP * 2 + "x" * 99 + "{% endfor %}" * 2,
    "a long text by *": "{{ 'x' * 10**10 }}",
    "a long text by %": "{{ '%1000000000d' % 1 }}",
    "a long text by format": "{{ '{:1000000000}'.format(1) }}",
    "a long constant by a filter": "{{ 'x'|center(10**10) }}",
    "a large number": "{{ (10 ** (10 ** 10)) % 7 }}",
    "a text that doubles": GROWING + "{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    "a list of itself": GROWING + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "two lists to compare": (
        GROWING + "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"
    ),
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "no number": "{{ 1 // 0 }}",
    "nothing's attribute": "{{ none.x.y }}",
    "wrong arguments": "{{ messages | tojson(1, 2, 3) }}",
    "a filter's complaint": "{{ [] | min | round }}",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_template_is_refused_within_seconds(source: str) -> None:
    template = ChatTemplate(source, {})
    started = time.monotonic()
    with pytest.raises(ChatTemplateError) as refused:
        template.render(CHAT, True)

    assert time.monotonic() - started < 10, "2 s of processor time, which others share"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "source", ["{{", "{% for %}", "{{ x | nothing_known }}", "{{ " + "(" * 5000 + " }}"]
)
def test_what_is_no_template_is_told_as_the_files_fault(source: str) -> None:
    with pytest.raises((ModelFileError, ChatTemplateError)):
        ChatTemplate(source, {}).render(CHAT, True)


def test_after_a_template_went_too_far_it_still_serves_who_does_not_lead_it_there() -> None:
    template = ChatTemplate("{{ messages[0].content * messages[0].times }}", {})
    endless = [{"content": "x", "times": 10**10}]

    assert template.render([{"content": "x", "times": 3}], True) == "xxx"
    for _ in range(2):
        with pytest.raises(ChatTemplateError, match="takes more than"):
            template.render(endless, True)
        assert template.render([{"content": "x", "times": 3}], True) == "xxx"


def test_a_template_takes_no_memory_of_the_process_that_asks() -> None:
    asking = psutil.Process()
    before = asking.memory_info().rss
    source = GROWING + "{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}"
    with pytest.raises(ChatTemplateError):
        ChatTemplate(source, {}).render(CHAT, True)
    assert asking.memory_info().rss - before < 50 * 2**20


def test_a_long_chat_of_every_script_is_no_hostile_one() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.content | tojson }}{% endfor %}", {})
    text = "naïve 漢字 🙂 \u2028 <&>" * 50_000
    assert template.render([{"content": text}], True) == f'"{text}"'


def test_a_template_leaves_no_process_behind() -> None:
    script = (
        "import psutil\n"
        "from engine.model.chat_template import ChatTemplate\n"
        "ChatTemplate('{{ messages[0] }}', {}).render(['Hi'], True)\n"
        "kept = ChatTemplate('{{ messages[0] }}', {})\n"
        "kept.render(['Hi'], True)\n"
        "print(*[child.pid for child in psutil.Process().children()])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (pid,) = done.stdout.split()
    assert not psutil.pid_exists(int(pid))
    assert not done.stderr
