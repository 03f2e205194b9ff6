"""A span for each request, by OpenTelemetry's GenAI conventions, sent over OTLP/HTTP.

The collector and all else come from OpenTelemetry's own environment variables. Spans are sent in
batches by a thread of their own; where the collector is away they are dropped.
"""

import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from db.ids import id_to_text
from db.records import NewRequest
from engine.api.answer import EnergyTally, Finished

STOPS_WITHIN_S = 1.5

_NS_PER_MS = 1_000_000
_TEXT_COMPLETIONS = "/v1/completions"
# How the ids in each dialect's answers begin.
_ID_PREFIXES = {
    "/v1/chat/completions": "chatcmpl-",
    _TEXT_COMPLETIONS: "cmpl-",
    "/v1/messages": "msg_",
    "/v1/responses": "resp_",
}


class Tracing:
    """Sends spans until `stop`. Raises where an environment variable makes no sense."""

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("breakeven")

    def stop(self) -> None:
        """Send what is left, if the collector takes it in time."""
        closing = threading.Thread(target=self._provider.shutdown, name="end-tracing", daemon=True)
        closing.start()
        closing.join(STOPS_WITHIN_S)

    def request_over(
        self, row: NewRequest, finished: Finished, energy: EnergyTally, trace_parent: str | None
    ) -> None:
        """Send a finished request's span, a child of the client's own where it named one."""
        carrier = {} if trace_parent is None else {"traceparent": trace_parent}
        operation = "text_completion" if row.endpoint == _TEXT_COMPLETIONS else "chat"
        span = self._tracer.start_span(
            f"{operation} {row.model}",
            context=TraceContextTextMapPropagator().extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"gen_ai.operation.name": operation, **_attributes(row, finished, energy)},
            start_time=row.started_at * _NS_PER_MS,
        )
        if finished.error_type is not None:
            span.set_attribute("error.type", finished.error_type)
            span.set_status(StatusCode.ERROR)
        span.end(finished.finished_at * _NS_PER_MS)


def _attributes(
    row: NewRequest, finished: Finished, energy: EnergyTally
) -> dict[str, AttributeValue]:
    told: dict[str, AttributeValue] = {
        "gen_ai.provider.name": "breakeven",
        "gen_ai.request.model": row.model,
        "gen_ai.request.stream": row.streamed,
        "gen_ai.response.model": row.model,
        "gen_ai.response.id": _ID_PREFIXES.get(row.endpoint, "") + id_to_text(row.id),
        "gen_ai.response.finish_reasons": [
            end.finish_reason for end in finished.ends if end.finish_reason is not None
        ],
        "gen_ai.usage.input_tokens": finished.tally.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": finished.tally.cached_input_tokens,
        "gen_ai.usage.output_tokens": finished.tally.output_tokens,
        "breakeven.engine": row.engine,
        "breakeven.status": finished.status,
    }
    if energy.joules is not None and energy.basis is not None:
        told |= {"breakeven.energy_j": energy.joules, "breakeven.energy_basis": energy.basis}
    return told


def _resource() -> Resource:
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):  # nobody named it
        return resource.merge(Resource({SERVICE_NAME: "breakeven"}))
    return resource
