"""Energy meters, the power sampler and the attribution of joules to requests."""
