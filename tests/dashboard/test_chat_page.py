"""Chat: the real model answers through the real gateway, and the answer's figures are shown."""

import pytest

from db import people
from db.request_pages import recent_requests
from engine.api.service import Service
from tests.dashboard.conftest import open_page

pytestmark = pytest.mark.usefixtures("product_with_engine")


def test_the_first_visitor_names_themselves_then_gets_a_metered_answer(
    product_with_engine: Service,
) -> None:
    page = open_page("chat")
    page.text_input[0].set_value("Ada")
    next(button for button in page.button if button.label == "Start chatting").click()
    page.run()
    page.chat_input[0].set_value("What is the capital of France?").run(timeout=90)
    assert not page.exception
    said = " ".join(text.value for text in page.chat_message[1].markdown)
    assert "Paris" in said

    (row,) = recent_requests(product_with_engine.database, 5).to_dict("records")
    assert (row["developer_name"], row["status"], row["streamed"]) == ("Ada", "ok", True)
    figures = page.chat_message[1].caption[0].value.replace("\\", "")
    assert f"{row['input_tokens']} + {row['output_tokens']} tokens" in figures


def test_what_the_gateway_refuses_is_told_in_its_words(product_with_engine: Service) -> None:
    if not people.list_developers(product_with_engine.database):
        people.add_developer(product_with_engine.database, "Ada", actor="test")
    page = open_page("chat")
    page.chat_input[0].set_value("word " * 20_000).run(timeout=90)
    assert not page.exception
    assert "tokens" in page.error[0].value, "the limit is named"
