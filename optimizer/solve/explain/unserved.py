"""The least load that stays unserved where circuits are on offer and the network cannot carry all of it.

Which limit of a branch is to blame depends on which circuits are built, so no conflict of limits is named. Instead
every bus may leave load unserved, which takes nothing from the proof that a circuit not built carries nothing: that
rests on ratings and angles alone. Targets of new load come down before any existing load does, and generators run
below what they must give where too little load is left for them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from optimizer.solve.explain import limits as of
from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.least import CLOSE, LIMIT, NONE, Change
from optimizer.solve.explain.limit import Asked
from optimizer.solve.explain.question import ROUNDS
from optimizer.solve.found import Limits
from optimizer.solve.topologies import find_by_topologies
from optimizer.study.case import Case

PRICES = {of.UNSERVED: 100.0, of.DEMAND: 1.0, of.LEAST_OUTPUT: 0.1}
"""What a MW of each rule counts: existing load is the last to go unserved (unverified: a choice) [-]."""


def least_unserved(case: Case, deadline: float, asked: Asked) -> Change:
    """The least by which load has to be less for the circuits on offer to carry it.

    Parameters
    ----------
    case : Case
        With circuits on offer.
    deadline : float
        Processor time at which the search ends [s].
    asked : Asked
        What a plan must be beside.
    """
    elastic = ElasticProgram(with_relief(case), deadline, asked, rules=tuple(PRICES))
    elastic.hold(lambda limit: limit.rule in PRICES, PRICES)
    program = elastic.program
    found = find_by_topologies(program, Limits(CLOSE, ROUNDS), abs)
    if not found.integers:
        return NONE if found.status == "infeasible" else LIMIT
    program.highs.relax(True)
    program.fix(found.integers)
    outcome = program.solve_clean("explain", ROUNDS, everywhere=True)
    if outcome.status != "optimal":
        return LIMIT
    program.highs.load(outcome.values)
    share = found.bound / found.objective if found.objective > 0 else 1.0
    return Change("found", elastic.amounts(), elastic.decisions(), 1.0 if share >= 1.0 - CLOSE else max(share, 0.0))


def with_relief(case: Case) -> Case:
    """The case with a generator at every bus with load, which gives what is left unserved there."""
    most = case.load_mw.clip(lower=0.0).T.groupby(level=1).max().T[list(case.snapshots.index)]
    most = most[most.max(axis=1) > 0]
    buses = [str(bus) for bus in most.index]
    names = pd.Index([of.relief_at(bus) for bus in buses], name=case.generators.index.name)
    most = most.set_axis(names)
    generators = pd.DataFrame(
        {
            "bus": buses,
            "p_min_mw": 0.0,
            "p_max_mw": most.max(axis=1).to_numpy(),
            "carrier": "",
            "carbon_t_per_mwh": 0.0,
        },
        index=names,
    )
    width = generators["p_max_mw"].to_numpy()
    segments = pd.DataFrame(
        {"width_mw": width, "cost_usd_per_mwh": 0.0},
        index=pd.MultiIndex.from_product([names, [0]], names=case.cost_segments.index.names),
    )
    nothing = pd.DataFrame(np.zeros(most.shape), index=names, columns=most.columns)
    return replace(
        case,
        generators=pd.concat([case.generators, generators]),
        output_min_mw=pd.concat([case.output_min_mw, nothing]),
        output_max_mw=pd.concat([case.output_max_mw, most]),
        cost_segments=pd.concat([case.cost_segments, segments[case.cost_segments.columns]]),
        cost_at_min_usd_per_h=pd.concat([case.cost_at_min_usd_per_h, pd.Series(0.0, index=names)]),
    )
