"""Chat: talk to the model as any tool does, through the gateway, and see what each answer took."""

from dataclasses import dataclass

import streamlit as st

from dashboard import charts, data, formats, gateway_client, ui
from dashboard.costs.comparison import marginal_cost
from dashboard.gateway_client import Answer, ChatFailed
from dashboard.ledgers import engine_of
from dashboard.served import served_models
from dashboard.sides import prices_of
from db import people
from engine.api import current
from engine.api.embedded import served_name

TOOL = "Breakeven Chat"
NO_DEVELOPER = (
    "Each answer is charged to a developer, and your account belongs to none. An admin can link it "
    "to one in Settings → Accounts."
)
LONGEST_ANSWERS = {"Short": 128, "Medium": 512, "Long": 2048}
SUGGESTIONS = (
    "What is the capital of France?",
    "Explain what a mixture of experts is.",
    "Write a haiku about electricity.",
)


@dataclass(slots=True)
class Turn:
    question: str
    answer: Answer


def choose_developer() -> people.Person | None:
    """Who asks, so that the ledger charges the right person: whoever is signed in, and on this
    machine alone whom the reader names. The first can be added right here."""
    if data.viewer().account_id is not None:
        own = data.own_developer()
        if own is None:
            st.info(NO_DEVELOPER, icon=":material/person_off:")
        return own
    everybody = data.developers("own")
    if not everybody:
        with st.form("first-developer", border=True):
            st.markdown("**Who are you?** Each request is charged to a developer.")
            name = st.text_input("Your name", placeholder="Ada")
            if st.form_submit_button("Start chatting", type="primary") and ui.attempt(
                lambda: people.add_developer(engine_of("own"), name, actor=ui.actor("admin"))
            ):
                st.rerun()
        return None
    return st.selectbox(
        "You are",
        everybody,
        format_func=lambda person: person.name,
        key="chat-developer",
        persist_state="session",
        width=220,
    )


def choose_length() -> int:
    chosen = st.selectbox(
        "Longest answer",
        list(LONGEST_ANSWERS),
        index=1,
        width=180,
        format_func=lambda name: f"{name}, {LONGEST_ANSWERS[name]} tokens",
    )
    return LONGEST_ANSWERS[chosen]


def choose_model() -> str | None:
    """Whom to ask; None where nobody could answer yet."""
    names = [model.name for model in served_models()]
    if len(names) < 2:
        return names[0] if names else None
    return st.selectbox("Model", names, key="chat-model", persist_state="session", width=260)


def choose_experts(chosen_model: str | None) -> None:
    """Experts per token, for everybody, from the next step of the engine on."""
    service = current.get()
    model = service.model
    if (
        not data.viewer().is_at_least("admin")
        or model is None
        or not model.experts_adjustable
        or chosen_model != served_name(model)
    ):
        return
    chosen = st.slider(
        "Experts per token",
        0,
        model.routed_experts,
        service.experts_per_token,
        help=f"Of {model.routed_experts} routed experts in each layer; {model.shared_experts} more "
        "are always on. Fewer take less energy, all of them are the dense model. The model's own "
        f"setting is {model.default_experts_per_token}. It holds for everyone on this server.",
        width=300,
    )
    if chosen != service.experts_per_token:
        ui.attempt(lambda: service.set_experts_per_token(chosen))


def messages_of(turns: list[Turn], question: str) -> list[dict[str, str]]:
    messages = []
    for turn in turns:
        if turn.answer.text:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return [*messages, {"role": "user", "content": question}]


def ask(
    turns: list[Turn], question: str, developer: people.Person, model: str, longest: int
) -> None:
    """Stream the answer. It is among the turns before its first word, so that a stop keeps it."""
    service = current.get()
    answer = Answer()
    messages = messages_of(turns, question)
    turns.append(Turn(question, answer))
    with st.chat_message("user"):
        st.text(question)
    with st.chat_message("assistant"):
        words, state = st.empty(), st.empty()
        state.caption("Stop it with the button below; what is computed until then is charged.")
        try:
            words.write_stream(
                gateway_client.stream_chat(
                    own_gateway(),
                    service.session_key(developer.id, TOOL),
                    model,
                    messages,
                    answer,
                    max_tokens=longest,
                )
            )
        except ChatFailed as problem:
            answer.state, answer.problem = "failed", str(problem)
        finally:
            if answer.state == "running":
                answer.state = "stopped"
    st.rerun()


def own_gateway() -> str:
    """This server's own address for its own requests."""
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    address = st.get_option("server.address")
    host = "localhost" if address in (None, "0.0.0.0", "::") else address
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{st.get_option('server.port')}/v1"


def draw(number: int, turn: Turn) -> None:
    with st.chat_message("user"):
        st.text(turn.question)
    with st.chat_message("assistant"):
        answer = turn.answer
        if answer.text:
            st.markdown(answer.text)
        if answer.state == "failed":
            st.error(formats.escape(answer.problem or ""), icon=":material/error:")
        elif answer.state == "stopped":
            st.caption("Stopped. What was computed until then is on the ledger as cancelled.")
        else:
            figures(answer)
            if answer.experts:
                with st.expander("Experts of this answer", key=f"experts-{number}", type="compact"):
                    chart = charts.experts_heatmap(answer.experts, answer.experts_per_token)
                    st.markdown(f"**{chart.title}**")
                    st.plotly_chart(
                        chart.figure,
                        key=f"heatmap-{number}",
                        alt=chart.alt,
                        config={"displaylogo": False},
                    )


def figures(answer: Answer) -> None:
    """One line: tokens, speed, energy and the marginal cost of an answer."""
    speed = answer.tokens_per_s
    parts = [
        f"{formats.count(answer.input_tokens)} + {formats.count(answer.output_tokens)} tokens",
        f"{speed:,.1f} tokens/s" if speed else None,
        *_energy(answer),
        f"{formats.duration(answer.duration_ms)}",
        f"{answer.experts_per_token} experts per token" if answer.experts_per_token else None,
        "cut at its longest length" if answer.finish_reason == "length" else None,
    ]
    st.caption(formats.escape(" · ".join(part for part in parts if part)))


def _energy(answer: Answer) -> list[str]:
    if answer.energy_j is None:
        return ["energy unknown"]
    prices = data.current_prices("own")
    cost = formats.small_money(marginal_cost(answer.energy_j, prices_of(prices)), prices.currency)
    basis = answer.energy_basis or ""
    return [f"{formats.joules(answer.energy_j)} {basis}", f"{cost} of electricity (marginal)"]


ui.begin(
    "Chat",
    "Your questions go through the gateway like any tool's, so they are metered and charged.",
    always_own_ledger=True,
)
turns: list[Turn] = st.session_state.setdefault("chat-turns", [])
with st.container(horizontal=True, vertical_alignment="bottom"):
    developer = choose_developer()
    if developer is not None:
        model = choose_model()
        longest = choose_length()
        choose_experts(model)
        if turns and st.button("New chat", icon=":material/edit_square:"):
            turns.clear()
            st.rerun()
if developer is not None:
    for number, turn in enumerate(turns):
        draw(number, turn)
    if model is None:
        st.info("Ask as soon as a model is served.", icon=":material/hourglass_top:")
    question = st.chat_input(
        "Ask the model", submit_mode="stop", key="chat-input", disabled=model is None
    )
    if not turns and not question and model is not None:
        suggestions = st.empty()
        question = suggestions.pills("Or try one of these", SUGGESTIONS, key="chat-suggestion")
        if question:
            suggestions.empty()
    if question and model is not None:
        ask(turns, question, developer, model, longest)
