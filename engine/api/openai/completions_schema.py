"""What `POST /v1/completions` accepts: texts, or token ids, that are continued as they are."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from engine.api.ask import Ask
from engine.api.openai.fields import MOST_ANSWERS, Request, StreamOptions, parse
from engine.api.schema_parts import refuse

MOST_PROMPTS = 128
MOST_LOGPROBS = 5
USUAL_TOKENS = 16  # the vendor's own, where a request does not say


def _as_several(prompt: Any) -> Any:
    """One text, or one list of token ids, as a list of it."""
    kinds = {type(item) for item in prompt} if isinstance(prompt, list) else {type(prompt)}
    if isinstance(prompt, str) or (kinds == {int} and isinstance(prompt, list)):
        return [prompt]
    of_ids = kinds == {list} and all(type(token) is int for ids in prompt for token in ids)
    if not isinstance(prompt, list) or not (kinds == {str} or of_ids):
        raise refuse(
            "prompt must be a string, a list of strings, a list of token ids or a list of such "
            "lists, and not empty."
        )
    return prompt


class CompletionRequest(Request):
    prompt: Annotated[list[str | list[int]], BeforeValidator(_as_several)]
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = Field(None, ge=0, le=MOST_LOGPROBS)
    suffix: str | None = None
    logit_bias: dict[str, float] | None = None

    @field_validator("suffix", "logit_bias")
    @classmethod
    def _not_supported(cls, value: Any) -> Any:
        if value:
            raise refuse("This field is not supported by this engine; leave it out.")
        return value

    @model_validator(mode="after")
    def _fields_agree(self) -> "CompletionRequest":
        # Several fields at once: the message begins with the one at fault, which `parse` reads.
        if self.best_of not in (None, self.n or 1):
            raise refuse("best_of: this engine gives back all that it writes; leave it out.")
        if self.stream_options is not None and not self.stream:
            raise refuse("stream_options: only allowed together with stream: true.")
        if self.echo and self.logprobs is not None:
            raise refuse("echo: log-probabilities of the prompt are not computed here.")
        if self.echo and not all(isinstance(text, str) for text in self.prompt):
            raise refuse("echo: only allowed for prompts of text, not of token ids.")
        if len(self.prompt) * (self.n or 1) > MOST_PROMPTS:
            raise refuse(f"prompt: at most {MOST_PROMPTS} answers are given, n times all prompts.")
        return self

    def ask(self) -> Ask:
        """What is asked, in nobody's dialect."""
        return Ask(
            texts=self.prompt,
            max_tokens=self.max_tokens or USUAL_TOKENS,
            drawing=self.drawing(),
            stop=self.stop or [],
            top_logprobs=self.logprobs,
            answers=self.n or 1,
            report_experts=self.reports_experts,
        )

    def before(self, index: int) -> str:
        """What is told before the answer of this index."""
        text = self.prompt[index // (self.n or 1)] if self.echo else ""
        return text if isinstance(text, str) else ""


def parse_completion_request(body: bytes) -> CompletionRequest:
    """The request in a body; an ApiError (400, with the field at fault) where it is not one."""
    return parse(CompletionRequest, body)
