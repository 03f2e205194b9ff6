"""The tiny models on which the engine must agree with transformers.

Sizes are transformers' configuration keys. A variant is there because code that ignores its point
would still pass the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TINY: dict[str, Any] = {
    "vocab_size": 256,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}


@dataclass(frozen=True)
class Variant:
    """`stored`: the file's tensors as save_pretrained lays them out, under the names that
    transformers has in memory, or with quantised weights as released checkpoints hold them.
    `old_keys`: config.json as transformers 4 wrote it.
    """

    family: str
    point: str
    architecture: str  # transformers' class
    options: Mapping[str, Any] = field(default_factory=dict)
    stored: Literal["saved", "memory", "mxfp4", "fp8"] = "saved"
    old_keys: bool = False
    sharded: bool = False

    def __str__(self) -> str:
        return f"{self.family}: {self.point}"


LLAMA3_SCALING = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10_000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
}


def _llama() -> list[Variant]:
    def variant(point: str, architecture: str = "LlamaForCausalLM", **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded") if key in other}
        return Variant("Llama", point, architecture, other, **how)

    linear = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}
    dynamic = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 4.0}
    return [
        variant("grouped heads, one file"),
        variant("tied embeddings, several files", tie_word_embeddings=True, sharded=True),
        variant(
            "attention biases, a key head for each", attention_bias=True, num_key_value_heads=4
        ),
        variant("one key head, wide heads", num_key_value_heads=1, head_dim=32),
        variant("llama3 scaling, large epsilon", rope_parameters=LLAMA3_SCALING, rms_norm_eps=0.01),
        variant("linear scaling, old keys", rope_parameters=linear, old_keys=True),
        variant("dynamic scaling, within the context", rope_parameters=dynamic),
        variant("old keys, no head_dim", old_keys=True, num_key_value_heads=4),
        variant("Mistral without a window", "MistralForCausalLM", sliding_window=None),
        variant("Mistral, window 9", "MistralForCausalLM", sliding_window=9, head_dim=24),
    ]


def _qwen2() -> list[Variant]:
    moe = {
        "num_experts": 8,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 80,
    }

    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        return Variant("Qwen2-MoE", point, "Qwen2MoeForCausalLM", moe | other, **how)

    windows = {"use_sliding_window": True, "sliding_window": 9, "num_hidden_layers": 4}
    return [
        variant("shared expert with a gate", sharded=True),
        variant("weights made to sum to 1", norm_topk_prob=True, tie_word_embeddings=True),
        variant("every second layer sparse", decoder_sparse_step=2, num_hidden_layers=4),
        variant("some layers dense", mlp_only_layers=[0, 2], qkv_bias=False),
        variant("windows on early layers", max_window_layers=3, **windows),
        variant("windows by old keys", max_window_layers=3, old_keys=True, **windows),
        variant("a window that is not in use", sliding_window=9, old_keys=True),
        variant("fused experts", stored="memory"),
        Variant("Qwen2", "biases on q, k, v", "Qwen2ForCausalLM", {"tie_word_embeddings": True}),
        Variant(
            "Qwen2",
            "windows on late layers",
            "Qwen2ForCausalLM",
            {**windows, "max_window_layers": 2},
        ),
    ]


def _qwen3() -> list[Variant]:
    moe = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32, "head_dim": 32}

    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        return Variant("Qwen3-MoE", point, "Qwen3MoeForCausalLM", moe | other, **how)

    windows = {"use_sliding_window": True, "sliding_window": 9}
    dense = {"head_dim": 32, "num_hidden_layers": 4}
    return [
        variant("norms per head, wide heads", sharded=True),
        variant("weights made to sum to 1, old keys", norm_topk_prob=True, old_keys=True),
        variant("every second layer sparse", decoder_sparse_step=2, num_hidden_layers=4),
        variant("some layers dense, tied", mlp_only_layers=[1], tie_word_embeddings=True),
        variant("biases, windows on all layers", attention_bias=True, **windows),
        variant("YaRN", rope_parameters=YARN, norm_topk_prob=True),
        variant("YaRN by old keys", rope_parameters=YARN, old_keys=True),
        variant("all experts chosen", num_experts_per_tok=8),
        variant("one expert chosen, fused experts", num_experts_per_tok=1, stored="memory"),
        Variant(
            "Qwen3",
            "norms per head, tied",
            "Qwen3ForCausalLM",
            dense | {"tie_word_embeddings": True},
        ),
        Variant(
            "Qwen3",
            "biases, windows on late layers, old keys",
            "Qwen3ForCausalLM",
            {**dense, **windows, "attention_bias": True, "max_window_layers": 2},
            old_keys=True,
        ),
    ]


def _mixtral() -> list[Variant]:
    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        options = {"num_local_experts": 8, "num_experts_per_tok": 2} | other
        return Variant("Mixtral", point, "MixtralForCausalLM", options, **how)

    return [
        variant("w1, w2, w3", sharded=True),
        variant("fused experts", stored="memory"),
        variant("window 9, old keys", sliding_window=9, old_keys=True),
        variant(
            "four of eight, tied, heads of 8",
            num_experts_per_tok=4,
            head_dim=8,
            tie_word_embeddings=True,
        ),
    ]


def _olmoe() -> list[Variant]:
    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        options = {"num_experts": 8, "num_experts_per_tok": 3} | other
        return Variant("OLMoE", point, "OlmoeForCausalLM", options, **how)

    return [
        variant("norms over all of q and k"),
        variant("a clamp that bites", clip_qkv=0.7, sharded=True),
        variant(
            "biases, sum to 1, old keys", attention_bias=True, norm_topk_prob=True, old_keys=True
        ),
        variant("fused experts, a key head for each", num_key_value_heads=4, stored="memory"),
    ]


def _granite() -> list[Variant]:
    multipliers = {
        "embedding_multiplier": 0.7,
        "residual_multiplier": 0.6,
        "attention_multiplier": 0.3,
        "logits_scaling": 7.0,
    }

    def variant(point: str, kind: str = "Moe", **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        moe = {"num_local_experts": 8, "num_experts_per_tok": 3} if kind else {}
        architecture = f"Granite{kind}ForCausalLM"
        return Variant(f"Granite{kind}", point, architecture, multipliers | moe | other, **how)

    return [
        variant("multipliers", sharded=True),
        variant(
            "tied, biases, old keys", tie_word_embeddings=True, attention_bias=True, old_keys=True
        ),
        variant("no multipliers", "Moe", **dict.fromkeys(multipliers, 1.0)),
        variant("fused names of memory", stored="memory"),
        variant("a shared expert", "MoeShared", shared_intermediate_size=40),
        variant(
            "a shared expert, memory's names",
            "MoeShared",
            shared_intermediate_size=40,
            stored="memory",
        ),
        variant("no shared expert", "MoeShared", shared_intermediate_size=0),
        variant("dense", "", tie_word_embeddings=True),
    ]


def _gpt_oss() -> list[Variant]:
    sizes = {
        "num_local_experts": 8,
        "num_experts_per_tok": 3,
        "head_dim": 32,
        "sliding_window": 9,
        "num_hidden_layers": 4,
        "rope_parameters": YARN | {"truncate": False},
    }

    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        return Variant("gpt-oss", point, "GptOssForCausalLM", sizes | other, **how)

    kinds = ["full_attention", "full_attention", "sliding_attention", "full_attention"]
    return [
        variant("sinks, alternating windows", sharded=True),
        variant("old keys, alternating by default", old_keys=True),
        variant("layer types of its own, no biases", layer_types=kinds, attention_bias=False),
        variant("four experts, 4-bit blocks", stored="mxfp4", num_experts_per_tok=4),
    ]


def _deepseek() -> list[Variant]:
    sizes = {
        "n_routed_experts": 8,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 32,
        "n_shared_experts": 1,
        "first_k_dense_replace": 1,
        "n_group": 1,
        "topk_group": 1,
        "num_key_value_heads": 4,
        "q_lora_rank": 24,
        "kv_lora_rank": 16,
        "qk_nope_head_dim": 12,
        "qk_rope_head_dim": 8,
        "v_head_dim": 20,
    }

    def variant(point: str, **other: Any) -> Variant:
        how = {key: other.pop(key) for key in ("old_keys", "sharded", "stored") if key in other}
        return Variant("DeepSeek-V3", point, "DeepseekV3ForCausalLM", sizes | other, **how)

    def version2(point: str, **other: Any) -> Variant:
        return Variant("DeepSeek-V2", point, "DeepseekV2ForCausalLM", sizes | other)

    groups = {"topk_method": "group_limited_greedy", "n_group": 4, "topk_group": 2}
    yarn = YARN | {"mscale": 1.0, "mscale_all_dim": 1.0}
    return [
        variant("low-rank queries", sharded=True),
        variant("direct queries, two shared experts", q_lora_rank=None, n_shared_experts=2),
        variant("groups of experts", n_group=4, topk_group=2, num_experts_per_tok=2),
        variant("weights not made to sum to 1", norm_topk_prob=False, routed_scaling_factor=1.5),
        variant("YaRN with both mscales, old keys", rope_parameters=yarn, old_keys=True),
        variant("YaRN with mscales that differ", rope_parameters=yarn | {"mscale": 0.7}),
        variant("K2's YaRN: one beta", rope_parameters=yarn | {"beta_fast": 1.0}),
        variant("rotary halves, biases", rope_interleave=False, attention_bias=True),
        variant("all layers dense", first_k_dense_replace=3),
        variant(
            "no dense layer, tied, fused",
            first_k_dense_replace=0,
            tie_word_embeddings=True,
            stored="memory",
        ),
        variant("8-bit blocks", stored="fp8", hidden_size=192, moe_intermediate_size=160),
        version2("low-rank queries", routed_scaling_factor=1.5),
        version2("direct queries, groups by their best", q_lora_rank=None, **groups),
    ]


VARIANTS: list[Variant] = [
    *_llama(),
    *_qwen2(),
    *_qwen3(),
    *_mixtral(),
    *_olmoe(),
    *_granite(),
    *_deepseek(),
    *_gpt_oss(),
]
