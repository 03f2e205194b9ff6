"""OpenAI-compatible servers behind the gateway: vLLM, SGLang, llama.cpp, Ollama and the like."""
