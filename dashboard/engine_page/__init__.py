"""The Engine page: what the engine and the upstreams do at this moment."""
