"""Garver's six-bus network: what its existing lines can and cannot do, derived by hand, and its published expansion.

Source: L. L. Garver, "Transmission network estimation using linear programming", IEEE Trans. Power Apparatus and
Systems PAS-89(7), 1970, pp. 1688-1697; data as in R. Romero et al., "Test systems and mathematical models for
transmission network expansion planning", IEE Proc. Generation, Transmission and Distribution 149(1), 2002, pp. 27-36.
With generation redispatched the least cost there is 110: one more circuit 3-5 and three circuits 4-6.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import GridsiteError, InfeasibleError, InputError
from optimizer.plan.plan import Plan
from optimizer.solve import solve_study
from optimizer.study import read_study

LOAD_MW = {1: 80, 2: 240, 3: 40, 4: 160, 5: 240, 6: 0}
GENERATION_MW = {1: 150, 3: 360, 6: 600}
# Corridor: reactance of one circuit [pu on 100 MVA], its rating [MW].
EXISTING = {
    (1, 2): (0.4, 100),
    (1, 4): (0.6, 80),
    (1, 5): (0.2, 100),
    (2, 3): (0.2, 100),
    (2, 4): (0.4, 100),
    (3, 5): (0.2, 100),
}
NEW = {(3, 5): (0.2, 100), (4, 6): (0.3, 100)}

STUDY = """\
[study]
name = "Garver"
periods = [2030]
[grid]
source = "grid"
[security]
contingencies = []
"""


def dispatched(folder: Path, added: dict[tuple[int, int], int], buses: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> Plan:
    """Dispatch the existing network with circuits added, on some of its buses."""
    circuits = [(i, j, EXISTING[i, j]) for i, j in EXISTING]
    circuits += [(i, j, NEW[i, j]) for (i, j), count in added.items() for _ in range(count)]
    rows = [f"{i}-{j} {n},{i},{j},{x},{rating}" for n, (i, j, (x, rating)) in enumerate(circuits, start=1)]
    tables = {
        "buses": ["bus,base_kv,load_mw", *(f"{n},230,{LOAD_MW[n]}" for n in buses)],
        "branches": ["branch,from_bus,to_bus,x_pu,rating_mw", *rows],
        "generators": [
            "generator,bus,p_max_mw",
            *(f"g{n},{n},{mw}" for n, mw in GENERATION_MW.items() if n in buses),
        ],
    }
    (folder / "grid").mkdir()
    for name, lines in tables.items():
        (folder / "grid" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return solve_study(read_study(folder))


def overloaded(error: GridsiteError) -> dict[str, float]:
    """Overload by corridor [MW]."""
    found: dict[str, float] = {}
    for finding in error.findings:
        corridor = finding.where.split()[1]
        found[corridor] = found.get(corridor, 0.0) + (finding.value or 0.0)
    return found


def test_existing_network_without_bus_6_lacks_generation(tmp_path: Path) -> None:
    """No existing line reaches bus 6; buses 1 and 3 give 150 + 360 = 510 of the 760 MW of load."""
    with pytest.raises(InfeasibleError) as refused:
        dispatched(tmp_path, {}, (1, 2, 3, 4, 5))
    finding = refused.value.findings[0]
    assert (finding.value, finding.limit) == (510, 760)


def test_published_expansion_serves_all_load(tmp_path: Path) -> None:
    plan = dispatched(tmp_path, {(3, 5): 1, (4, 6): 3})
    assert plan.summary["n_violations"] == 0
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output.sum() == pytest.approx(760, abs=1e-4)
    # What the others cannot give must come from bus 6, and its three circuits carry 300 MW.
    assert 250 - 1e-4 <= output["g6"] <= 300 + 1e-4


def test_two_circuits_to_bus_6_are_too_few(tmp_path: Path) -> None:
    """Bus 6 must give 760 - 510 = 250 MW over two circuits of 100 MW: 50 MW too much, however the rest is run."""
    with pytest.raises(InputError) as refused:
        dispatched(tmp_path, {(3, 5): 1, (4, 6): 2})
    assert overloaded(refused.value)["4-6"] >= 50 - 1e-3


def test_bus_5_needs_a_third_circuit(tmp_path: Path) -> None:
    """Bus 5 takes 240 MW over 1-5 and 3-5 of 100 MW each: 40 MW too much on the two, however the rest is run."""
    with pytest.raises(InputError) as refused:
        dispatched(tmp_path, {(4, 6): 4})
    found = overloaded(refused.value)
    assert found.get("1-5", 0.0) + found.get("3-5", 0.0) >= 40 - 1e-3
