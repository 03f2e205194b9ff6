"""Grammars let a family's calls through, and nothing that is none."""

from collections.abc import Sequence

import pytest
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, pre_tokenizers

from engine.model.grammar import Grammars
from engine.model.tokenizer import Tokenizer
from engine.model.vocabulary import Vocabulary, byte_level
from engine.tools import harmony
from engine.tools.formats import format_of
from engine.tools.grammar import CallGrammar, json_answer, json_rule
from engine.tools.layouts import HERMES
from engine.tools.tool import Choice, Tool
from tests.engine.tools.families import FAMILIES, Family

CITY = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [Tool("weather", parameters=CITY), Tool("add")]
RULES = {
    "weather": json_rule(CITY, strict=True),
    "add": json_rule({"type": "object"}, strict=False),
}


def letters(special: Sequence[str]) -> Tokenizer:
    """A vocabulary of the 256 bytes, an end and some special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = RawTokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    names = {name: 256 + i for i, name in enumerate(("<end>", *special))}
    every = [*map(byte_level, alphabet), *(name.encode() for name in names)]
    return Tokenizer(Vocabulary(raw, raw, every, names, frozenset({256}), 256, ""))


def follows(tokenizer: Tokenizer, grammar: str, text: str) -> str:
    """ "whole" where a text follows a grammar, "begun" where more has to come, else "no"."""
    constraint = Grammars(tokenizer).constraint(grammar)
    for part in tokenizer._special_pattern.split(text):
        ids = [tokenizer.special[part]] if part in tokenizer.special else tokenizer.encode(part)
        for token in ids:
            if not constraint.allows(token):
                return "no"
            constraint.take(token)
    return "whole" if constraint.complete or constraint.allows(256) else "begun"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_familys_calls_follow_its_grammar(family: Family) -> None:
    tokenizer = letters(family.special)
    grammar = CallGrammar(family.layout, tokenizer.special)
    free = grammar.written(TOOLS, Choice(), RULES)
    forced = grammar.written(TOOLS, Choice("required"), RULES)
    single = grammar.written(TOOLS, Choice(parallel=False), RULES)

    assert follows(tokenizer, free, "I will look. " + family.written) == "whole"
    assert follows(tokenizer, free, "I know it.") == "whole"
    assert follows(tokenizer, free, family.written.replace("Paris", "Oslo")) == "no"
    assert follows(tokenizer, free, family.written.replace("weather", "wether")) == "no"
    assert follows(tokenizer, forced, family.written) == "whole"
    assert follows(tokenizer, forced, "I know it.") == "no"
    assert follows(tokenizer, forced, "") == "begun"
    assert follows(tokenizer, single, family.written) == "no"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_answer_beside_calls_can_have_a_schema(family: Family) -> None:
    tokenizer = letters(family.special)
    grammar = CallGrammar(family.layout, tokenizer.special)
    either = grammar.written(TOOLS, Choice(), RULES, json_rule(CITY, strict=True))

    assert follows(tokenizer, either, family.written) == "whole"
    assert follows(tokenizer, either, '{"city": "Rome"}') == "whole"
    assert follows(tokenizer, either, "Rome") == "no"


def test_harmony_thinks_then_calls_or_says() -> None:
    tokenizer = letters(harmony.SPECIAL)
    speech = format_of(tokenizer.special, "")
    free = speech.call_grammar(TOOLS, Choice(), RULES, None)
    forced = speech.call_grammar(TOOLS, Choice("required"), RULES, None)
    thought = "<|channel|>analysis<|message|>Well.<|end|><|start|>assistant"
    call = '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Rome"}'
    final = "<|channel|>final<|message|>It is warm."

    assert follows(tokenizer, free, thought + call) == "whole"
    assert follows(tokenizer, free, thought + final) == "whole"
    assert follows(tokenizer, free, call) == "whole"
    assert follows(tokenizer, forced, thought + call) == "whole"
    assert follows(tokenizer, forced, thought + final) == "no"
    assert follows(tokenizer, free, call.replace("Rome", "Oslo")) == "no"
    json_only = speech.json_grammar(RULES["weather"])
    assert follows(tokenizer, json_only, thought + final) == "no"
    answer = '<|channel|>final<|message|>{"city": "Rome"}'
    assert follows(tokenizer, json_only, thought + answer) == "whole"


def test_text_that_only_spells_a_special_token_is_not_that_token() -> None:
    family = FAMILIES[1]
    tokenizer = letters(family.special)
    grammar = CallGrammar(family.layout, tokenizer.special).written(TOOLS, Choice(), RULES)
    constraint = Grammars(tokenizer).constraint(grammar)
    for token in tokenizer.encode(family.written.replace("Paris", "Oslo")):
        assert constraint.allows(token)
        constraint.take(token)


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "strange"}, "Invalid type"),
        ({"$ref": "https://example.com/schema.json"}, "retrieving it failed"),
        ({"$ref": "file:///etc/passwd"}, "retrieving it failed"),
        ({"type": "string", "pattern": "^(?=a)b"}, "regex parse error"),
        ({"enum": ["x" * 50 + str(i) for i in range(100_000)]}, "too big"),
        ({"type": "object", "properties": {f"p{i}": {} for i in range(20_000)}}, "too big"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_named(
    schema: dict[str, object], complaint: str
) -> None:
    tokenizer = letters(())
    problem = Grammars(tokenizer).problem(json_answer(json_rule(schema, strict=True)))
    assert problem is not None
    assert complaint in problem
    assert "\n" not in problem


def test_what_a_lenient_schema_cannot_enforce_is_passed_over() -> None:
    tokenizer = letters(())
    schema = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    grammar = json_answer(json_rule(schema, strict=False))
    assert follows(tokenizer, grammar, "[1, 1]") == "whole"
    assert follows(tokenizer, grammar, '["x"]') == "no"


def test_a_model_that_was_taught_no_tools_gets_them_in_words() -> None:
    speech = format_of({}, "{{ messages[0].content }}")
    calls = [{"id": "1", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}]
    told = speech.told(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Add."},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "1", "content": "2"},
            {"role": "tool", "tool_call_id": "1", "content": "3"},
        ],
        TOOLS,
    )
    assert told.tools is None
    assert [message["role"] for message in told.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert told.messages[0]["content"].startswith("Be brief.\n\n")
    assert '"name": "weather"' in told.messages[0]["content"]
    call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    assert told.messages[2]["content"] == call
    results = "<tool_response>\n2\n</tool_response>\n<tool_response>\n3\n</tool_response>"
    assert told.messages[3]["content"] == results


def test_kimis_template_gets_calls_numbered_through_the_conversation() -> None:
    speech = format_of(dict.fromkeys(FAMILIES[1].special, 1), "{{ tools }}")

    def call(name: str, call_id: str) -> dict[str, object]:
        function = {"name": name, "arguments": {}}
        return {"id": call_id, "type": "function", "function": function}

    told = speech.told(
        [
            {"role": "assistant", "content": "", "tool_calls": [call("f", "x1")]},
            {"role": "tool", "tool_call_id": "x1", "content": "a"},
            {"role": "assistant", "content": "", "tool_calls": [call("g", "x2")]},
            {"role": "tool", "tool_call_id": "x2", "content": "b"},
        ],
        [Tool("f")],
    )
    assert told.messages[0]["tool_calls"][0]["id"] == "functions.f:0"
    assert told.messages[3]["tool_call_id"] == "functions.g:1"
    assert told.tools is not None


def test_hermes_is_known_by_its_template() -> None:
    speech = format_of({}, "{% if tools %}<tool_call>{% endif %}")
    assert speech.told([], TOOLS).tools is not None
    assert speech.reader(calls=True).add("<tool_call>" + HERMES.before[11:]) == []
