"""`python -m engine inspect` on the configuration that Kimi K2 is published with."""

import json
from pathlib import Path

from click.testing import CliRunner

from engine.__main__ import cli

KIMI_K2 = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "kimi_k2",
    "attention_bias": False,
    "first_k_dense_replace": 1,
    "hidden_act": "silu",
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "kv_lora_rank": 512,
    "max_position_embeddings": 131072,
    "moe_intermediate_size": 2048,
    "moe_layer_freq": 1,
    "n_group": 1,
    "n_routed_experts": 384,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "num_attention_heads": 64,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 61,
    "num_key_value_heads": 64,
    "num_nextn_predict_layers": 0,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "rms_norm_eps": 1e-06,
    "rope_scaling": {
        "beta_fast": 1.0,
        "beta_slow": 1.0,
        "factor": 32.0,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "original_max_position_embeddings": 4096,
        "type": "yarn",
    },
    "rope_theta": 50000.0,
    "routed_scaling_factor": 2.827,
    "scoring_func": "sigmoid",
    "tie_word_embeddings": False,
    "topk_group": 1,
    "topk_method": "noaux_tc",
    "torch_dtype": "bfloat16",
    "v_head_dim": 128,
    "vocab_size": 163840,
    "eos_token_id": 163585,
}


def folder(path: Path, **changed: object) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(KIMI_K2 | changed))
    return path


def test_kimi_k2_is_recognised_without_its_weights(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["inspect", str(folder(tmp_path / "Kimi-K2-Instruct"))])
    assert told.exit_code == 0, told.output
    assert "61, hidden size 7168, 384 routed experts" in told.output
    assert "1,026.41 B, of which 31.69 B are active" in told.output
    assert "70,272 bytes a token" in told.output  # 61 layers of 576 values of 2 bytes


def test_an_unknown_architecture_is_told_in_one_line_with_what_is_known(tmp_path: Path) -> None:
    strange = folder(tmp_path / "strange", architectures=["StrangeForCausalLM"])
    told = CliRunner().invoke(cli, ["inspect", str(strange)])
    assert told.exit_code == 1
    assert len(told.output.strip().splitlines()) == 1
    assert "StrangeForCausalLM" in told.output
    assert "DeepseekV3ForCausalLM" in told.output


def test_a_broken_config_is_told_in_one_line(tmp_path: Path) -> None:
    broken = folder(tmp_path / "broken")
    (broken / "config.json").write_text('{"architectures": [')
    told = CliRunner().invoke(cli, ["inspect", str(broken)])
    assert told.exit_code == 1
    assert "config.json is broken" in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_a_missing_size_is_named(tmp_path: Path) -> None:
    config = {key: value for key, value in KIMI_K2.items() if key != "kv_lora_rank"}
    place = folder(tmp_path / "short")
    (place / "config.json").write_text(json.dumps(config))
    told = CliRunner().invoke(cli, ["inspect", str(place)])
    assert told.exit_code == 1
    assert "kv_lora_rank" in told.output
