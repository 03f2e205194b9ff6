"""Llama and Mistral: dense, grouped-query attention.

Mistral differs by a window on all of its layers, where its file names one.
"""

from dataclasses import replace
from typing import Any

from engine.model.config import Block, Dense, ModelConfig
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import DENSE, ENDS, GROUPED_ATTENTION, Family
from engine.model.families.parts import decoder, grouped_attention


def _llama(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    keys.only("mlp_bias", False)
    bias = keys.flag("attention_bias", False)
    attention = grouped_attention(keys, qkv_bias=bias, output_bias=bias)
    block = Block(attention, Dense(keys.integer("intermediate_size")))
    return decoder(keys, (block,) * keys.integer("num_hidden_layers"))


def _mistral(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    attention = grouped_attention(keys, window=keys.optional_integer("sliding_window"))
    block = Block(attention, Dense(keys.integer("intermediate_size")))
    return decoder(keys, (block,) * keys.integer("num_hidden_layers"))


LLAMA = Family(_llama, ENDS | GROUPED_ATTENTION | DENSE)
MISTRAL = replace(LLAMA, config=_mistral)
