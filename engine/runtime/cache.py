"""Which blocks of the key-value cache are whose, and what can be read in them again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.model.batch import BLOCK_TOKENS

Content = tuple[int, tuple[int, ...]]  # what comes before a block, and its tokens


@dataclass(slots=True)
class Held:
    """A sequence's blocks. The first `named` of them are full and can be found by others;
    `beginning` stands for all tokens up to there."""

    blocks: list[int] = field(default_factory=list)
    named: int = 0
    beginning: int = 0


class BlockPool:
    """Hands out cache blocks of 32 positions; texts that begin alike share their full blocks.

    A full block is found by its tokens and all that come before them, and only by the tenant who
    wrote it: what others were answered quickly would tell what they have asked. Once nobody holds
    it, it stays readable until its room is needed: what was not used for longest goes first.
    Who holds a shared block only reads it, as new tokens are written behind all full blocks.
    """

    def __init__(self, blocks: int) -> None:
        self.size = blocks
        self._empty = list(range(blocks - 1, -1, -1))
        self._left: OrderedDict[int, None] = OrderedDict()  # readable, and nobody's
        self._holders = [0] * blocks
        self._found: dict[Content, int] = {}
        self._content: dict[int, tuple[Content, int]] = {}  # by block, and what stands for it
        self._last_beginning = 0
        self._empty_texts: dict[int, int] = {}  # by tenant: what stands for nothing before

    @property
    def held(self) -> int:
        """Blocks that sequences hold now."""
        return self.size - len(self._empty) - len(self._left)

    def begin(self, tokens: Sequence[int], tenant: int = 0) -> Held:
        """The blocks in which a beginning of `tokens` can be read. One token at least is left out:
        what follows a text comes from computing its last token."""
        if tenant not in self._empty_texts:
            self._empty_texts[tenant] = self._new_beginning()
        held = Held(beginning=self._empty_texts[tenant])
        for start in range(0, len(tokens) - BLOCK_TOKENS, BLOCK_TOKENS):
            block = self._found.get((held.beginning, _piece(tokens, start)))
            if block is None:
                break
            held.blocks.append(block)
            held.beginning = self._content[block][1]
        held.named = len(held.blocks)
        for block in held.blocks:
            self._left.pop(block, None)
            self._holders[block] += 1
        return held

    def name(self, held: Held, tokens: Sequence[int], computed: int) -> None:
        """The first `computed` of the sequence's tokens are in its blocks: full ones can now be
        found."""
        while (held.named + 1) * BLOCK_TOKENS <= computed:
            block = held.blocks[held.named]
            content = held.beginning, _piece(tokens, held.named * BLOCK_TOKENS)
            if content in self._found:  # another one computed the same meanwhile
                held.beginning = self._content[self._found[content]][1]
            else:
                held.beginning = self._new_beginning()
                self._found[content] = block
                self._content[block] = content, held.beginning
            held.named += 1

    def forget(self) -> None:
        """Nothing that is in the cache now will be found again, as it would now be computed
        otherwise."""
        self._empty.extend(self._left)
        self._left.clear()
        self._found.clear()
        self._content.clear()
        self._empty_texts.clear()

    def has_room(self, held: Held, tokens: int) -> bool:
        """Whether a sequence of this length fits, and has a block to go on in."""
        return self._missing(held, tokens) < len(self._empty) + len(self._left)

    def grow(self, held: Held, tokens: int) -> bool:
        """Adds blocks until they hold `tokens`; False, and nothing taken, if too few are free."""
        missing = self._missing(held, tokens)
        if missing > len(self._empty) + len(self._left):
            return False
        for _ in range(missing):
            block = self._empty.pop() if self._empty else self._oldest()
            self._holders[block] = 1
            held.blocks.append(block)
        return True

    def release(self, held: Held) -> None:
        """Takes the blocks back. A text's end goes before its beginning, which others may share."""
        for block in reversed(held.blocks):
            self._holders[block] -= 1
            if self._holders[block]:
                continue
            if block in self._content:
                self._left[block] = None
            else:
                self._empty.append(block)
        held.blocks.clear()
        held.named = 0

    def _new_beginning(self) -> int:
        self._last_beginning += 1
        return self._last_beginning

    def _oldest(self) -> int:
        block, _ = self._left.popitem(last=False)
        content, _ = self._content.pop(block)
        del self._found[content]
        return block

    @staticmethod
    def _missing(held: Held, tokens: int) -> int:
        return -(-tokens // BLOCK_TOKENS) - len(held.blocks)


def _piece(tokens: Sequence[int], start: int) -> tuple[int, ...]:
    return tuple(tokens[start : start + BLOCK_TOKENS])
