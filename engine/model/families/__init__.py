"""One file a family: its config.json read into a ModelConfig, and what its tensors are called."""
