"""The tiny models that the engine must compute from GGUF files as transformers does."""

from typing import Any

from tests.engine.model.parity.gguf_checkpoint import GgufVariant
from tests.engine.model.parity.variants import LLAMA3_SCALING, YARN, Variant

WIDE = {"hidden_size": 256, "intermediate_size": 256, "moe_intermediate_size": 256}  # superblocks
QWEN = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32}
MULTIPLIERS = {
    "embedding_multiplier": 0.7,
    "residual_multiplier": 0.6,
    "attention_multiplier": 0.3,
    "logits_scaling": 7.0,
}
LATENT = {
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 32,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
    "n_group": 4,
    "topk_group": 2,
    "num_key_value_heads": 4,
    "q_lora_rank": 32,
    "kv_lora_rank": 32,
    "qk_nope_head_dim": 12,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
}


def _variant(
    architecture: str,
    kind: str,
    point: str,
    transformers: str,
    options: dict[str, Any],
    **how: Any,
) -> GgufVariant:
    variant = Variant(architecture, point, f"{transformers}ForCausalLM", options)
    return GgufVariant(architecture, kind, variant, **how)


def _llama() -> list[GgufVariant]:
    mixtral = {"num_local_experts": 8, "num_experts_per_tok": 2}
    linear = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}
    scaled = {"rope_parameters": LLAMA3_SCALING, "tie_word_embeddings": True}
    return [
        _variant("llama", "Q4_0", "llama3 scaling, tied", "Llama", scaled),
        _variant("llama", "Q4_K", "linear scaling", "Llama", WIDE | {"rope_parameters": linear}),
        _variant("llama", "Q8_0", "Mixtral, several files", "Mixtral", mixtral, tensors_a_file=10),
        _variant("llama", "Q4_1", "Mixtral, experts one by one", "Mixtral", mixtral, older=True),
    ]


def _qwen() -> list[GgufVariant]:
    shared = {"shared_expert_intermediate_size": 96}
    one = {"num_experts_per_tok": 1}
    normalised = QWEN | {"norm_topk_prob": True, "head_dim": 32}
    dense = {"head_dim": 32, "tie_word_embeddings": True}
    return [
        _variant("qwen2moe", "Q8_0", "shared expert with a gate", "Qwen2Moe", QWEN | shared),
        _variant("qwen2moe", "F16", "one expert", "Qwen2Moe", QWEN | shared | one),
        _variant("qwen3moe", "Q4_K", "norms per head", "Qwen3Moe", normalised | WIDE),
        _variant("qwen3moe", "BF16", "YaRN", "Qwen3Moe", normalised | {"rope_parameters": YARN}),
        _variant("qwen2", "Q4_1", "biases", "Qwen2", {}),
        _variant("qwen3", "Q6_K", "dense, tied", "Qwen3", WIDE | dense),
    ]


def _latent() -> list[GgufVariant]:
    yarn = YARN | {"mscale": 1.0, "mscale_all_dim": 1.0}
    v2 = LATENT | {"norm_topk_prob": False, "routed_scaling_factor": 1.5}
    groups = {"topk_method": "group_limited_greedy"}
    return [
        _variant("deepseek2", "Q8_0", "V3, low-rank queries", "DeepseekV3", LATENT),
        _variant("deepseek2", "F32", "V3, YaRN", "DeepseekV3", LATENT | {"rope_parameters": yarn}),
        _variant(
            "deepseek2",
            "Q4_0",
            "K2's YaRN, direct queries, kv_b whole",
            "DeepseekV3",
            LATENT | {"rope_parameters": yarn | {"beta_fast": 1.0}, "q_lora_rank": None},
            older=True,
        ),
        _variant("deepseek2", "BF16", "V2, groups by their best", "DeepseekV2", v2 | groups),
    ]


def _others() -> list[GgufVariant]:
    granite = MULTIPLIERS | {"num_local_experts": 8, "num_experts_per_tok": 3}
    shared = granite | {"shared_intermediate_size": 64, "tie_word_embeddings": True}
    olmoe = {"num_experts": 8, "num_experts_per_tok": 3, "num_key_value_heads": 4}
    return [
        _variant("granitemoe", "Q6_K", "multipliers", "GraniteMoe", WIDE | granite),
        _variant("granitemoe", "Q4_1", "a shared expert, tied", "GraniteMoeShared", shared),
        _variant("granite", "Q8_0", "dense", "Granite", MULTIPLIERS),
        _variant("olmoe", "Q4_0", "norms over all of q and k", "Olmoe", olmoe),
        _variant("olmoe", "Q4_K", "a clamp that bites", "Olmoe", WIDE | olmoe | {"clip_qkv": 0.7}),
    ]


VARIANTS = [*_llama(), *_qwen(), *_latent(), *_others()]
