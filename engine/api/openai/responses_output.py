"""A response's output as it comes, in OpenAI's words."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any, Literal

from engine.api.openai.choice import told_logprobs
from engine.api.openai.responses_items import CallItem, Event, Status, TextItem
from engine.api.openai.responses_tools import Offer
from engine.api.source import Piece
from engine.runtime.protocol import TokenLogprob
from engine.tools.tool import Argued, Called, Part, Said, Thought, Tool


class Output:
    """The items as far as they have come. `request_id` makes their ids unique; `offers` are the
    tools by the names that the model knows them by."""

    def __init__(
        self, request_id: str, offers: Mapping[str, Offer], *, with_logprobs: bool
    ) -> None:
        self._request_id = request_id
        self._offers = offers
        self._with_logprobs = with_logprobs
        self._items: list[TextItem | CallItem] = []
        self._pending: list[TokenLogprob] = []  # of tokens whose text is held back

    def told(self) -> list[dict[str, Any]]:
        return [item.told() for item in self._items]

    def events(self, piece: Piece) -> Iterator[Event]:
        """What a piece adds. The last one closes the last item."""
        self._pending += piece.logprobs if self._with_logprobs else []
        for part in piece.parts:
            yield from self._of(part)
        if piece.finish_reason is None:
            return
        if not self._items:  # clients look for an answer, if only for an empty one
            yield from self._open_text("message")
        yield from self._close("incomplete" if piece.finish_reason == "length" else "completed")

    def _of(self, part: Part) -> Iterator[Event]:
        match part:
            case Said(text):
                item = yield from self._open_text("message")
                logprobs, self._pending = told_logprobs(self._pending), []
                yield from item.more(text, logprobs)
            case Thought(text):
                item = yield from self._open_text("reasoning")
                self._pending = []
                yield from item.more(text, [])
            case Called(name):
                self._pending = []
                index = len(self._items)
                offer = self._offers.get(name) or _unknown(name)
                prefix = "fc" if offer.kind == "function" else "ctc"
                call_id = f"call_{self._request_id}_{index}"
                yield from self._open(CallItem(index, self._item_id(prefix), call_id, offer))
            case Argued(text):
                self._pending = []
                call = self._items[-1]
                assert isinstance(call, CallItem)
                yield from call.more(text)

    def _open_text(self, kind: Literal["message", "reasoning"]) -> Generator[Event, None, TextItem]:
        """Returns the item that text of this kind belongs to."""
        if self._items and isinstance(last := self._items[-1], TextItem) and last.kind == kind:
            return last
        prefix = "msg" if kind == "message" else "rs"
        item = TextItem(len(self._items), self._item_id(prefix), kind)
        yield from self._open(item)
        return item

    def _open(self, item: TextItem | CallItem) -> Iterator[Event]:
        yield from self._close("completed")
        self._items.append(item)
        yield from item.opened()

    def _close(self, status: Status) -> Iterator[Event]:
        if self._items:
            yield from self._items[-1].closed(status)

    def _item_id(self, prefix: str) -> str:
        return f"{prefix}_{self._request_id}_{len(self._items)}"


def _unknown(name: str) -> Offer:
    """For a call of a tool that nobody offered: the client is told what the model wrote."""
    return Offer(Tool(name), "function", name, None, "tools")
