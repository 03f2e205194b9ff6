"""What an import did, or would do."""

import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from db.importers.record import MONEY_DIGITS, Tally
from db.importers.staging import Staged


@dataclass(slots=True)
class Report:
    """`read` counts what the files tell, repeats included; of the distinct records some are
    `added`, others `updated` or `unchanged`. Tokens and cost are of the distinct records, whether
    they are new or not. `import_id` None: nothing was written.

    `skipped` and `remarks` (counted, but remarkable) are by reason. Times are UTC epoch
    milliseconds. `cost` is by currency; `cost_unknown` counts records with tokens but no cost.
    """

    import_id: int | None = None
    files: dict[str, int] = field(default_factory=dict)  # of each kind
    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: dict[str, Tally] = field(default_factory=dict)
    remarks: dict[str, Tally] = field(default_factory=dict)
    first_at: int | None = None
    last_at: int | None = None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: dict[str, Decimal] = field(default_factory=dict)
    cost_unknown: int = 0
    lower_bound: bool = False
    unmatched: dict[str, int] = field(default_factory=dict)  # labels of nobody here
    erased: int = 0  # records of people whose names were erased
    nobody: int = 0  # records without a label, and without a developer given

    @property
    def skipped_count(self) -> int:
        return sum(tally.count for tally in self.skipped.values())

    def count(self, record: Staged) -> None:
        """Add a distinct record to the totals."""
        self.first_at = record.at if self.first_at is None else min(self.first_at, record.at)
        self.last_at = record.at if self.last_at is None else max(self.last_at, record.at)
        self.requests += record.requests or 0
        tokens = (record.fresh, record.cached, record.written)
        self.input_tokens += sum(part or 0 for part in tokens)
        self.output_tokens += record.output or 0
        self.lower_bound |= record.basis == "lower bound"
        if record.cost is not None:
            currency = record.currency or "USD"
            before = self.cost.get(currency, Decimal(0))
            self.cost[currency] = before + Decimal(record.cost).scaleb(-MONEY_DIGITS)
        elif record.fresh is not None or record.output is not None:
            self.cost_unknown += 1

    def detail(self) -> str:
        """What was skipped and remarked, as JSON."""
        return json.dumps(
            {
                name: {reason: asdict(tally) for reason, tally in tallies.items()}
                for name, tallies in (("skipped", self.skipped), ("remarks", self.remarks))
            }
        )
