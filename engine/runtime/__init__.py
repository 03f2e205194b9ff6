"""Sequences, cache, scheduler, sampler and the worker process around the model."""
