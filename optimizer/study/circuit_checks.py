"""What is wrong with the new circuits of a study, beyond what their table alone shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.study.study import Study


def circuit_findings(study: Study) -> Iterator[Finding]:
    """Check new circuits against the rest of a study.

    Parameters
    ----------
    study : Study
        Read whole.
    """
    if study.grid is None:
        return
    unusable = study.reinforcing_circuits[1]
    yield from unusable
    if any(f.severity == "error" for f in unusable) or study.offered_circuits.empty:
        return
    yield from _names(study)
    yield from _values(study)
    config = study.config
    if config.security.base_overloads == "allow":
        text = "where circuits can be built every limit must hold: no overload of the existing network is allowed"
        remedy = "leave the key out, or set [expansion] enabled = false"
        yield Finding("study.circuits.overloads", "security.base_overloads", text, "allow", remedy, "warning")


def _names(study: Study) -> Iterator[Finding]:
    """Built units become branches: none may have the name of one that is there."""
    assert study.grid is not None
    taken, remedy = set(study.grid.branches.index), "rename the circuit"
    owner: dict[str, str] = {}
    for circuit, count in study.offered_circuits["max_count"].items():
        names = [str(circuit)] if count == 1 else [f"{circuit}/{i}" for i in range(1, int(count) + 1)]
        for name in names:
            if name in taken or name in owner:
                other = f"circuit {owner[name]}" if name in owner else f"branch {name}"
                text = f"once built it is called as {other}"
                yield Finding("study.circuits.name", f"circuits, circuit {circuit}", text, name, remedy)
                break
        owner |= dict.fromkeys(names, str(circuit))


def _values(study: Study) -> Iterator[Finding]:
    rows, last = study.offered_circuits, study.config.study.periods[-1]
    for circuit in rows.index[rows["ready"].fillna(last) > last]:
        where, found = f"circuits, circuit {circuit}, ready", f"{rows.at[circuit, 'ready']:.0f}"
        text = f"it cannot serve in any period: the last is {last}"
        yield Finding("study.circuits.late", where, text, found, "the plan leaves it out", "warning")
