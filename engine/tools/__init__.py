"""How models call tools: what they are told of them, how they write calls, how those are read.

Knows nothing of HTTP, of vendors' dialects and of torch.
"""
