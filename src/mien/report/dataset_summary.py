"""A summary of prepared data: counts, balance, what is missing, and leakage by protocol."""

import json
from collections import Counter
from pathlib import Path

from mien.dataset.leakage import measure_protocols
from mien.dataset.protocols import PROTOCOLS
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import FOLDER, FeatureStore
from mien.utterance import Utterance

PERSONS = 10
"""Speakers that are listed by default."""

REASONS = 10
"""Reasons for skipping that are listed; the others are counted."""


def inspect(data: str | Path, persons: int | None = PERSONS) -> str:
    """Describe prepared data for reading.

    Parameters
    ----------
    data : path
        The prepared folder.
    persons : int or None
        List so many speakers, those with most utterances first. None: all, by name.

    Raises
    ------
    MienError
        The folder is not finished or not prepared.
    """
    store = Store(Path(data))
    synthetic = " (synthetic)" if store.info["synthetic"] else ""
    sections = [
        f"{data}: {len(store)} utterances of {store.info['corpus']}{synthetic}",
        _counts("emotions", [e for u in store.utterances for e in _emotions(u)]),
        _sentiment(store.utterances),
        _labels(store.utterances),
        _persons(store.utterances, persons),
        _counts("modalities (t text, a audio, v video)", store.modalities),
        _features(store.folder),
        _skipped(store.folder),
        _leakage(store),
    ]
    return "\n\n".join(section for section in sections if section)


def _emotions(utterance: Utterance) -> tuple[str, ...]:
    if utterance.emotions is None:
        return ("(no label)",)
    return utterance.emotions or ("(none of them)",)


def _sentiment(utterances: list[Utterance]) -> str:
    """Count sentiment by whole steps, where it is rated."""
    rated = [u.sentiment for u in utterances if u.sentiment is not None]
    if not rated:
        return ""
    rest = ["(no label)"] * (len(utterances) - len(rated))
    return _counts("sentiment in whole steps", [str(round(value)) for value in rated] + rest)


def _labels(utterances: list[Utterance]) -> str:
    """Describe further labels: range and mean of numbers, how many different values of texts."""
    found: dict[str, list[float | str]] = {}
    for utterance in utterances:
        for name, value in utterance.labels.items():
            found.setdefault(name, []).append(value)
    lines = [f"  {name}: {_described(values)}" for name, values in sorted(found.items())]
    return "\n".join(["further labels", *lines]) if lines else ""


def _described(values: list[float | str]) -> str:
    numbers = [value for value in values if not isinstance(value, str)]
    texts = {value for value in values if isinstance(value, str)}
    facts = [f"of {len(values)} utterances"]
    if numbers:
        mean = sum(numbers) / len(numbers)
        facts.append(f"from {min(numbers):g} to {max(numbers):g}, mean {mean:.2f}")
    if texts:
        facts.append(f"{len(texts)} different values")
    return "; ".join(facts)


def _persons(utterances: list[Utterance], most: int | None) -> str:
    """Count the speakers, list some, and name those who may be one in two spellings."""
    counts = Counter(u.person for u in utterances if u.person)
    title = f"persons ({len(counts)})" if counts else "persons"
    listed = set(counts) if most is None else {name for name, _ in counts.most_common(most)}
    values = [u.person for u in utterances if u.person in listed and u.person]
    unknown = sum(u.person is None for u in utterances)
    rows = [_counts(title, [*values, *["(not known)"] * unknown], len(utterances))]
    if rest := len(counts) - len(listed):
        rows.append(f"  and {rest} more, of {len(utterances) - len(values) - unknown} utterances")
    alike: dict[str, list[str]] = {}
    for name in sorted(counts):
        alike.setdefault(name.casefold(), []).append(name)
    rows += [
        f"  one person or several? {', '.join(names)}: they differ in capital letters alone"
        for names in alike.values()
        if len(names) > 1
    ]
    return "\n".join(rows)


def _counts(title: str, values: list[str], total: int | None = None) -> str:
    """Count values, with their share of `total`, by default of themselves."""
    counts = Counter(values)
    total = total or len(values)
    width = max(len(value) for value in counts)
    most = max(counts.values())
    lines = [
        f"  {value:<{width}} {count:6d} {count / total:6.1%} {'█' * round(20 * count / most)}"
        for value, count in sorted(counts.items(), key=_order)
    ]
    return "\n".join([title, *lines])


def _order(item: tuple[str, int]) -> tuple[bool, float, str]:
    """Sort steps of sentiment as numbers, and other values after them by name."""
    value = item[0]
    number = value.removeprefix("-").isdecimal()
    return not number, float(value) if number else 0.0, value


def _features(folder: Path) -> str:
    if not (folder / FOLDER / "features.json").is_file():
        return ""
    store = FeatureStore(folder)
    sizes = store.settings.sizes
    kinds = ", ".join(f"{m} {s} ({sizes[m]})" for m, s in store.settings.sources.items())
    return _counts(f"features of {kinds}", [letters or "none" for letters in store.modalities])


def _skipped(folder: Path) -> str:
    path = folder / "skipped.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if not lines:
        return "nothing was skipped"
    try:
        items = [json.loads(line) for line in lines]
        kinds = Counter(item.get("kind") or item["reason"] for item in items)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise MienError(f"{path}: damaged ({error}); prepare again into a new folder") from error
    common = kinds.most_common(REASONS)
    rows = [f"  {count:6d}  {kind}" for kind, count in common]
    if len(kinds) > len(common):
        rest = len(items) - sum(count for _, count in common)
        rows.append(f"  {rest:6d}  for {len(kinds) - len(common)} other reasons")
    return "\n".join([f"skipped or incomplete, in full in {path}", *rows])


def _leakage(store: Store) -> str:
    fit, unfit = measure_protocols(store.utterances)
    width = max(map(len, PROTOCOLS))
    lines = [
        "protocols: utterances in each split, and how much of the test split shares its person,",
        "dialogue or sentence with training",
        f"  {'':<{width}} {'train':>6} {'valid':>6} {'test':>6} {'person':>8} {'dialogue':>8}"
        f" {'sentence':>8}",
    ]
    for row in fit:
        shares = (row.person, row.dialogue, row.sentence)
        cells = " ".join(f"{'-' if s is None else f'{s:.0%}':>8}" for s in shares)
        lines.append(
            f"  {row.protocol:<{width}} {row.train:>6} {row.valid:>6} {row.test:>6} {cells}"
            f"   {PROTOCOLS[row.protocol].about}"
        )
    lines += [f"  {name:<{width}} does not fit: {why}" for name, why in unfit.items()]
    return "\n".join(lines)
