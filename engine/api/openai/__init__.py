"""OpenAI's dialect: what its clients send and expect."""
