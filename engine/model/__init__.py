"""Model code: configuration, weights, tokenizer, forward pass."""
