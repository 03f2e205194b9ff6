"""Every architecture that this engine runs, by the name that config.json gives it."""

from engine.model.families.deepseek import DEEPSEEK_V2, DEEPSEEK_V3
from engine.model.families.gpt_oss import GPT_OSS
from engine.model.families.granite import GRANITE, GRANITE_MOE, GRANITE_MOE_SHARED
from engine.model.families.llama import LLAMA, MISTRAL
from engine.model.families.mixtral import MIXTRAL
from engine.model.families.naming import Family
from engine.model.families.olmoe import OLMOE
from engine.model.families.qwen2 import QWEN2, QWEN2_MOE
from engine.model.families.qwen3 import QWEN3, QWEN3_MOE

FAMILIES: dict[str, Family] = {
    "DeepseekV2ForCausalLM": DEEPSEEK_V2,
    "DeepseekV3ForCausalLM": DEEPSEEK_V3,
    "GptOssForCausalLM": GPT_OSS,
    "GraniteForCausalLM": GRANITE,
    "GraniteMoeForCausalLM": GRANITE_MOE,
    "GraniteMoeSharedForCausalLM": GRANITE_MOE_SHARED,
    "KimiK2ForCausalLM": DEEPSEEK_V3,
    "LlamaForCausalLM": LLAMA,
    "MistralForCausalLM": MISTRAL,
    "MixtralForCausalLM": MIXTRAL,
    "OlmoeForCausalLM": OLMOE,
    "Qwen2ForCausalLM": QWEN2,
    "Qwen2MoeForCausalLM": QWEN2_MOE,
    "Qwen3ForCausalLM": QWEN3,
    "Qwen3MoeForCausalLM": QWEN3_MOE,
}
