"""Perplexity on text held out from carving: the number that says what carving cost."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F

from engine.carve.batches import Batch, Sequence, batches
from engine.carve.dense import Dense, FeedForward, hidden_states
from engine.carve.text import Chat, load_chats
from engine.model.tokenizer import Tokenizer

HELD_OUT = Path(__file__).parent / "heldout"
PROSE_WINDOW = 1024


def chat_sequence(tokenizer: Tokenizer, chat: Chat) -> Sequence:
    """A chat as the model reads it; what is predicted is the answer and, if reached, its end."""
    given = tokenizer.encode_chat([{"role": "user", "content": chat.prompt}])
    end = [tokenizer.eos_token_id] if chat.finished else []
    return Sequence([*given, *tokenizer.encode(chat.answer), *end], len(given))


def held_out(tokenizer: Tokenizer) -> dict[str, list[Sequence]]:
    """The two shipped texts: chats (their answers count) and prose (all of it counts)."""
    chats = load_chats(HELD_OUT / "chats.jsonl")
    prose = (HELD_OUT / "prose.txt").read_text(encoding="utf-8").split("\n\n\n")
    windows = [
        Sequence(ids[start : start + PROSE_WINDOW], 1)
        for ids in map(tokenizer.encode, prose)
        for start in range(0, len(ids) - 1, PROSE_WINDOW)
    ]
    return {
        "chats": [chat_sequence(tokenizer, chat) for chat in chats],
        "prose": windows,
    }


@torch.inference_mode()
def perplexity(model: Dense, sequences: list[Sequence], feed_forward: FeedForward | None) -> float:
    """exp of the mean negative log-likelihood of the predicted tokens."""
    total, count = 0.0, 0
    for data in batches(sequences, tokens=2048):
        total += _surprise(model, data, feed_forward)
        count += int(data.predicts.sum())
    return math.exp(total / count)


def _surprise(model: Dense, data: Batch, feed_forward: FeedForward | None) -> float:
    hidden = hidden_states(model, data.ids, feed_forward)[data.predicts]
    following = data.ids.roll(-1, dims=1)[data.predicts]
    logits = F.linear(hidden, model.embedding).float()
    return F.cross_entropy(logits, following, reduction="sum").item()
