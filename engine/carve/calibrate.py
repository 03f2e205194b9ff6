"""Carves every layer in closed form: sensitivity, partition, router, correction.

Two passes over the same text. The first divides each layer's neurons, on the dense model's
activations. The second goes down the model with the mistakes of the layers above included, and fits
each router, and each correction to what is then missing.
"""

import click
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.carve.batches import Batch
from engine.carve.carved import neuron_mask
from engine.carve.cluster import Sizes, activations, by_expert, energies, partition
from engine.carve.dense import Dense, attention_block, hidden_states, normalised
from engine.carve.router import chosen, fit_router, ridge


def sensitivities(model: Dense, batches: list[Batch], seed: int) -> list[Tensor]:
    """Fisher information of each layer's output, per token: [hidden, hidden] for each layer.

    The expected change of the loss from a small error e at that output is e' S e / 2. Labels are
    drawn from the model itself, which makes it the Fisher information and not the empirical one.
    """
    generator = torch.Generator().manual_seed(seed)
    sums = [torch.zeros(model.shape.hidden, model.shape.hidden) for _ in model.layers]
    tokens = 0
    for batch in batches:
        outputs: list[Tensor] = []

        def watched(layer: int, x: Tensor, outputs: list[Tensor] = outputs) -> Tensor:
            y = model.feed_forward(layer, x)
            if y.requires_grad:
                y.retain_grad()
            else:
                y.requires_grad_()
            outputs.append(y)
            return y

        hidden = hidden_states(model, batch.ids, watched)[batch.valid]
        logits = F.linear(hidden, model.embedding).float()
        labels = torch.multinomial(logits.detach().softmax(-1), 1, generator=generator)[:, 0]
        F.cross_entropy(logits, labels, reduction="sum").backward()
        for total, y in zip(sums, outputs, strict=True):
            assert y.grad is not None
            gradient = y.grad[batch.valid].float()
            total += gradient.T @ gradient
        tokens += int(batch.valid.sum())
    return [total / tokens for total in sums]


@torch.no_grad()
def first_pass(
    model: Dense, batches: list[Batch], sensitivity: list[Tensor], sizes: Sizes
) -> Tensor:
    """The order of each layer's neurons, from the dense model's activations: [layers, neurons]."""
    streams = [F.embedding(batch.ids, model.embedding) for batch in batches]
    orders = []
    for index, layer in enumerate(model.layers):
        inputs = []
        for number, batch in enumerate(batches):
            middle = attention_block(model.shape, layer, streams[number])
            x = normalised(model.shape, middle, layer.ffn_norm)
            inputs.append(x[batch.valid])
            streams[number] = middle + model.feed_forward(index, x)
        x = torch.cat(inputs)
        orders.append(partition(x, energies(layer, x, sensitivity[index]), sizes))
        click.echo(f"  layer {index} divided")
    return torch.stack(orders)


def allocate(layers: int, routed: int) -> Tensor:
    """How K experts per token on average are spent on the layers: [routed + 1, layers] uint8.

    The first layer is filled first: by far the most sensitive, it lost four times as much as any
    other. The others share alike; a division by each layer's own loss did no better in trials,
    where mistakes add up down the model.
    """
    table = []
    for wanted in range(routed + 1):
        first = min(routed, wanted * layers)
        each, more = divmod(wanted * layers - first, layers - 1)
        table.append([first, *(each + (layer < more) for layer in range(layers - 1))])
    return torch.tensor(table, dtype=torch.uint8)


@torch.no_grad()
def second_pass(
    dense: Dense,
    batches: list[Batch],
    sensitivity: list[Tensor],
    sizes: Sizes,
    counts: list[int],
    rank: int,
) -> dict[str, Tensor]:
    """Routers and corrections down the model, stacked over the layers, by the names in `Carved`.

    `dense` is already permuted; `counts` says how many routed experts each layer has on.
    """
    exact = [F.embedding(batch.ids, dense.embedding) for batch in batches]
    carved = [stream.clone() for stream in exact]
    fitted = []
    for index, layer in enumerate(dense.layers):
        inputs, targets = [], []
        for number, batch in enumerate(batches):
            middle = attention_block(dense.shape, layer, exact[number])
            x = normalised(dense.shape, middle, layer.ffn_norm)
            exact[number] = middle + dense.feed_forward(index, x)
            carved[number] = attention_block(dense.shape, layer, carved[number])
            inputs.append(normalised(dense.shape, carved[number], layer.ffn_norm)[batch.valid])
            targets.append((exact[number] - carved[number])[batch.valid])
        x, target = torch.cat(inputs), torch.cat(targets).float()
        energy = energies(layer, x, sensitivity[index])
        weight, bias = fit_router(x.float(), by_expert(energy, sizes))
        scores = F.linear(x.float(), weight, bias)
        on = neuron_mask(chosen(scores, counts[index]), sizes).to(x.dtype)
        y = F.linear(activations(layer, x) * on, layer.down)
        a, b, offset = reduced_rank(x.float(), target - y.float(), sensitivity[index], rank)
        correction = F.linear(F.linear(x, a.to(x.dtype)), b.to(x.dtype), offset.to(x.dtype))
        _add(carved, batches, y + correction)
        fitted.append((weight, bias, a, b, offset))
    names = ("router_weight", "router_bias", "correction_a", "correction_b", "correction_bias")
    stacked = (torch.stack(parts) for parts in zip(*fitted, strict=True))
    return dict(zip(names, stacked, strict=True))


def _add(streams: list[Tensor], batches: list[Batch], rows: Tensor) -> None:
    """Adds one row to every valid position of the streams, in order."""
    start = 0
    for stream, batch in zip(streams, batches, strict=True):
        end = start + int(batch.valid.sum())
        stream[batch.valid] += rows[start:end]
        start = end


def reduced_rank(
    x: Tensor, missing: Tensor, sensitivity: Tensor, rank: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The best map of that rank from x to what is missing, in the metric of the sensitivity.

    x, missing: [tokens, hidden]. Returns A [rank, hidden], B [hidden, rank], offset [hidden].
    """
    weight, _ = ridge(x, missing)
    damping = 1e-4 * sensitivity.diagonal().mean()
    values, vectors = torch.linalg.eigh(sensitivity)
    root = (values.clamp_min(0) + damping).sqrt()
    to_metric = root[:, None] * vectors.T  # missing -> space where plain length is the loss
    centred = (x - x.mean(dim=0)) @ weight.T @ to_metric.T
    _, directions = torch.linalg.eigh(centred.T @ centred)
    best = directions[:, -rank:].flip(1)  # [hidden, rank]
    a = best.T @ to_metric @ weight
    b = (vectors / root) @ best
    # Equal lengths on both sides, so that one learning rate suits both.
    balance = (b.norm(dim=0) / a.norm(dim=1).clamp_min(1e-12)).sqrt()
    a, b = a * balance[:, None], b / balance
    return a, b, missing.mean(dim=0) - b @ (a @ x.mean(dim=0))
