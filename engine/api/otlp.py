"""Whether spans are wanted, by OpenTelemetry's own environment variables."""

import os

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_tracing_wanted() -> bool:
    return any(os.environ.get(name, "").strip() for name in ENDPOINTS)
