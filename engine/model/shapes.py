"""The shape that each tensor of a model must have, by our names. Knows nothing of torch."""

from engine.model.config import Attention, Block, Experts, LatentAttention, ModelConfig


def shape_of(config: ModelConfig, name: str) -> tuple[int, ...] | None:
    """Shape of tensor `name` (engine/model/weights.py); None where the model has none."""
    if name in ("embedding", "head"):
        return config.vocab_size, config.hidden
    if name == "final_norm":
        return (config.hidden,)
    _, layer, part = name.split(".", 2)
    return _block_shapes(config.blocks[int(layer)], config.hidden).get(part)


def expert_shapes(experts: Experts, hidden: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a routed expert's parts, by field of ExpertWeights."""
    return {
        "gate": (experts.neurons, hidden),
        "up": (experts.neurons, hidden),
        "down": (hidden, experts.neurons),
        "gate_bias": (experts.neurons,),
        "up_bias": (experts.neurons,),
        "down_bias": (hidden,),
    }


def _block_shapes(block: Block, hidden: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"attention_norm": (hidden,), "ffn_norm": (hidden,)}
    if isinstance(block.attention, LatentAttention):
        shapes |= _latent(block.attention, hidden)
    else:
        shapes |= _grouped(block.attention, hidden)
    part = block.feed_forward
    if isinstance(part, Experts):
        return shapes | {
            "router": (part.count, hidden),
            "router_bias": (part.count,),
            "selection_bias": (part.count,),
            "shared.gate": (part.shared_neurons, hidden),
            "shared.up": (part.shared_neurons, hidden),
            "shared.down": (hidden, part.shared_neurons),
            "shared_gate": (1, hidden),
        }
    wide = (part.neurons, hidden)
    return shapes | {"gate": wide, "up": wide, "down": (hidden, part.neurons)}


def _grouped(attention: Attention, hidden: int) -> dict[str, tuple[int, ...]]:
    queries = attention.heads * attention.head_dim
    keys = attention.kv_heads * attention.head_dim
    per_head = attention.qk_norm == "head"
    return {
        "q": (queries, hidden),
        "k": (keys, hidden),
        "v": (keys, hidden),
        "o": (hidden, queries),
        "q_bias": (queries,),
        "k_bias": (keys,),
        "v_bias": (keys,),
        "o_bias": (hidden,),
        "q_norm": (attention.head_dim if per_head else queries,),
        "k_norm": (attention.head_dim if per_head else keys,),
        "sinks": (attention.heads,),
    }


def _latent(attention: LatentAttention, hidden: int) -> dict[str, tuple[int, ...]]:
    queries = attention.heads * (attention.nope_dim + attention.rope_dim)
    rank = attention.query_rank or 0
    compressed = attention.kv_rank + attention.rope_dim
    keys_and_values = attention.heads * (attention.nope_dim + attention.value_dim)
    return {
        "q": (queries, hidden),
        "q_a": (rank, hidden),
        "q_a_bias": (rank,),
        "q_a_norm": (rank,),
        "q_b": (queries, rank),
        "kv_a": (compressed, hidden),
        "kv_a_bias": (compressed,),
        "kv_a_norm": (attention.kv_rank,),
        "kv_b": (keys_and_values, attention.kv_rank),
        "o": (hidden, attention.heads * attention.value_dim),
        "o_bias": (hidden,),
    }
