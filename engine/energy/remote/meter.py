"""A meter that is read over HTTP, by a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from engine.energy.meters import UNRECOGNISED, Accuracy, Basis, Count, Kind, MeterError
from engine.energy.remote import redfish
from engine.energy.remote.client import Client, Missing, NoAnswer
from engine.energy.remote.config import MeterConfig
from engine.energy.remote.formats import FORMATS, REDFISH, Format, recognise
from engine.energy.remote.reading import Reading
from engine.energy.remote.series import Series

OPEN_WITHIN_S = 3.0
_SLOW_S = 5.0
_FIND_AGAIN_S = 5.0  # a controller locks out whoever asks too often with a wrong password
_LOST_AFTER = 3  # polls in a row; one page cut short says nothing of its address
_UNKNOWN = Accuracy(0.05, "assumed until the meter answers")
_MODEL = Accuracy(0.4, "assumed; models of a processor were up to 40% off (arXiv 2509.22092)")


class RemoteMeter:
    """Polls until `close`. Opening takes `OPEN_WITHIN_S` at most and never fails: a plug that is
    off now may come back, and `problem` says meanwhile what is wrong.

    `source`, `basis` and `accuracy` are the format's as soon as it is known, which is before the
    first count. `kind` is final once this is open and the format is known: what is counted beside
    it depends on it. Every method may be called from any thread.
    """

    floor_w: float | None = None

    def __init__(self, config: MeterConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._format = FORMATS.get(config.format)
        self.source = self._format.name if self._format else UNRECOGNISED
        self.basis: Basis = "measured"
        self.kind: Kind = config.of or (self._format.kind if self._format else "machine")
        self._kind_is_final = False
        self.settle_s = 3 * config.every_s
        self.accuracy = self._accuracy(self._format)
        self.problem: str | None = f"{config.name} has not answered yet."
        self._failed = 0  # polls in a row
        self._paths: list[str] = []
        self._series: dict[str, Series] = {}
        self._lock = threading.Lock()
        self._stopping, self._tried = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"meter {config.name}", daemon=True)
        self._thread.start()
        self._tried.wait(OPEN_WITHIN_S)
        with self._lock:
            self._kind_is_final = self._format is not None

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=OPEN_WITHIN_S)

    def read(self) -> dict[str, Count]:
        """Counts by device; for the first two or three polls there is none.

        Nor of one whose figures change too seldom: its joules would be told while others are
        computed than those who took them, and unknown is better than wrong.
        """
        now = self._clock()
        with self._lock:
            counts = {
                name: series.count(now)
                for name, series in self._series.items()
                if not self._is_slow(series)
            }
        found = {name: count for name, count in counts.items() if count is not None}
        if not found:
            raise MeterError(self.problem or f"{self._config.name} has not told enough yet.")
        return found

    def _is_slow(self, series: Series) -> bool:
        return series.interval_s > max(_SLOW_S, 2 * self._config.every_s)

    def last_steps(self) -> dict[str, tuple[float, Count]]:
        """By device, the moment by the clock of the last reading and the count as of then: what
        `read` tells only in the interval after it. Empty where it is silent."""
        now = self._clock()
        with self._lock:
            steps = {name: series.last_step(now) for name, series in self._series.items()}
        return {name: step for name, step in steps.items() if step is not None}

    def detail(self) -> str:
        with self._lock:
            series = list(self._series.values())
        if not series:
            return f"{self._config.name}: {self.problem}"
        how = "power, integrated" if any(one.integrates for one in series) else "energy counter"
        where = ", ".join(sorted({urlsplit(path).path for path in self._paths}))
        return (
            f"{self._config.name}: {self.source} at {where or 'an address that it lost'}, "
            f"{len(series)} device{'s' if len(series) > 1 else ''} ({how}), "
            f"every {self._config.every_s:g} s"
        )

    def _run(self) -> None:
        client: Client | None = None
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                client = client or Client(self._config, min(2.5 * self._config.every_s, 10.0))
                self._poll(client)
                self.problem, self._failed = self._missing(), 0
            except NoAnswer as error:
                self.problem = f"{self._config.name}: {error}"
            except MeterError as error:
                self._fail(str(error), moved=isinstance(error, Missing))
            except Exception as error:  # a page that nobody foresaw must not end the thread
                # Its own words may hold the address with its password.
                self._fail(f"its answer was not understood ({type(error).__name__}).", moved=False)
            self._tried.set()
            pause_s = self._config.every_s if self._paths or self._series else _FIND_AGAIN_S
            self._stopping.wait(max(0.0, started + pause_s - time.monotonic()))
        if client:
            client.close()

    def _fail(self, why: str, *, moved: bool) -> None:
        """`moved`: what is read is not where it was. Else that is only a guess, after a while."""
        self.problem = f"{self._config.name}: {why}"
        self._failed += 1
        if moved or self._failed >= _LOST_AFTER:
            self._paths, self._failed = [], 0

    def _poll(self, client: Client) -> None:
        if not self._paths:
            self._format, self._paths = self._find(client)
        bodies = [client.get(path) for path in self._paths]
        if self._format:
            self._note(self._format, [one for body in bodies for one in self._format.parse(body)])

    def _find(self, client: Client) -> tuple[Format, list[str]]:
        """The format, and what to read each time. The first path that tells something is taken."""
        formats = [self._format] if self._format else list(FORMATS.values())
        given = urlsplit(self._config.url).path.strip("/")
        known = dict.fromkeys(path for one in formats for path in one.paths)
        tried = [self._config.url] if given else list(known)
        why: MeterError | None = None
        for path in tried:
            try:
                return self._recognise(client, path)
            except NoAnswer:
                raise
            except MeterError as error:
                # That nothing is there says least of what is wrong.
                why = error if why is None or isinstance(why, Missing) else why
        if given and why:
            raise why
        reason = f" ({why})" if why and not isinstance(why, Missing) else ""
        raise MeterError(f"no meter was found at {', '.join(tried)}{reason}")

    def _recognise(self, client: Client, path: str) -> tuple[Format, list[str]]:
        body = client.get(path)
        found = self._format or recognise(body)
        if found is REDFISH:
            return found, redfish.find(client.get, path, self._config.devices)
        if not found.parse(body):
            raise MeterError(f"the page tells no energy and no power in the format {found.name}.")
        return found, [path]

    def _note(self, found: Format, page: list[Reading]) -> None:
        readings = self._chosen(found, page)
        names = [self._name(reading) for reading in readings]
        if len(set(names)) < len(names):
            raise MeterError("the page holds several devices of one name, as of several machines.")
        self.source = found.name
        self.basis = "estimated" if any(one.estimated for one in readings) else "measured"
        self.accuracy = self._accuracy(found)
        now = self._clock()
        with self._lock:
            for name, reading in zip(names, readings, strict=True):
                if name in self._series:
                    self._series[name].note(now, reading)
                else:
                    self._series[name] = Series(now, reading, self._config.every_s)

    def _chosen(self, found: Format, page: list[Reading]) -> list[Reading]:
        """What this meter is to count of a page. A device must not change its kind later on."""
        if not page:
            raise MeterError("it tells no energy and no power now.")
        self._settle_kind(found, [one.kind for one in page])
        of_kind = [one for one in page if not found.several_kinds or one.kind == self.kind]
        if not of_kind:
            told = ", ".join(sorted({one.kind for one in page}))
            raise MeterError(
                f"the page tells nothing of kind {self.kind}, which this meter counts as, but of: "
                f"{told}. Set `of` to what it is to meter, and start again."
            )
        wanted = self._config.devices
        chosen = [
            one for one in of_kind if wanted is None or {one.device, *one.aliases} & set(wanted)
        ]
        if not chosen:
            there = ", ".join(one.device for one in of_kind)
            raise MeterError(f"none of the devices {', '.join(wanted or ())}: there are {there}.")
        return chosen

    def _settle_kind(self, found: Format, told: list[Kind]) -> None:
        with self._lock:
            if not self._kind_is_final and not self._series:
                usual = found.kind if found.kind in told else told[0]
                self.kind = self._config.of or usual

    def _name(self, reading: Reading) -> str:
        """Unique among all meters, as the meter's own name is."""
        return f"{self._config.name}/{reading.device}" if reading.device else self._config.name

    def _accuracy(self, found: Format | None) -> Accuracy:
        if self._config.accuracy is not None:
            return Accuracy(self._config.accuracy, "set for this meter")
        if self.basis == "estimated":
            return _MODEL
        return found.accuracy if found else _UNKNOWN

    def _missing(self) -> str | None:
        now = self._clock()
        with self._lock:
            silent = [name for name, series in self._series.items() if series.is_stale(now)]
        return f"{', '.join(silent)}: not told any more." if silent else None


def open_meters(configs: Sequence[MeterConfig]) -> list[RemoteMeter]:
    """All of them at once: each may take some seconds to answer for the first time."""
    if not configs:
        return []
    with ThreadPoolExecutor(len(configs)) as pool:
        return list(pool.map(RemoteMeter, configs))
