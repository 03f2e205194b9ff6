"""Which blocks of the key-value cache are whose."""

from engine.model.batch import BLOCK_TOKENS


class BlockPool:
    """Hands out cache blocks of 32 positions. Knows nothing of what they hold."""

    def __init__(self, blocks: int) -> None:
        self.size = blocks
        self._free = list(range(blocks - 1, -1, -1))

    def has_room(self, tokens: int) -> bool:
        """Whether a new sequence of this length fits, and has a block to go on in."""
        return -(-tokens // BLOCK_TOKENS) < len(self._free)

    def grow(self, blocks: list[int], tokens: int) -> bool:
        """Appends to `blocks` until they hold `tokens`; False, and nothing taken, if too few."""
        missing = -(-tokens // BLOCK_TOKENS) - len(blocks)
        if missing > len(self._free):
            return False
        for _ in range(missing):
            blocks.append(self._free.pop())
        return True

    def release(self, blocks: list[int]) -> None:
        """Takes the blocks back and empties the list."""
        self._free.extend(reversed(blocks))
        blocks.clear()
