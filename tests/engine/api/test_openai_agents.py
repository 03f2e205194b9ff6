"""OpenAI's Agents SDK, which loops over calls until there is an answer, against the gateway."""

import asyncio

import pytest
from agents import (
    Agent,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI

from tests.engine.api.gateway import MODEL, Gateway


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
def test_an_agent_with_a_tool_runs_to_its_end(
    gateway: Gateway, kind: type[OpenAIResponsesModel | OpenAIChatCompletionsModel], stream: bool
) -> None:
    """The first turn has to call; from the second on the model may answer, as the SDK wants it."""
    cities: list[str] = []

    @function_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        cities.append(city)
        return "It rains."

    async def run() -> str:
        async with AsyncOpenAI(
            base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0
        ) as client:
            model: Model = kind(model=MODEL, openai_client=client)
            agent = Agent(
                name="forecaster",
                instructions="Tell the weather in one sentence.",
                model=model,
                tools=[weather],
                model_settings=ModelSettings(
                    temperature=0, tool_choice="required", parallel_tool_calls=False, max_tokens=120
                ),
            )
            config = RunConfig(tracing_disabled=True)
            question = "What is the weather in Bonn?"
            if not stream:
                return str((await Runner.run(agent, question, run_config=config)).final_output)
            streamed = Runner.run_streamed(agent, question, run_config=config)
            async for _ in streamed.stream_events():
                pass
            return str(streamed.final_output)

    answer = asyncio.run(run())
    assert cities
    assert answer
