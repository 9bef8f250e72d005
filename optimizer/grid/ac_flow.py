"""AC power flows of a converted network: without an outage, after outages, and what is tried where none is found.

The equations are solved by Newton's method in OpenLoadFlow, the engine of pypowsybl. Losses, and what an outage takes
away, are taken up by all units that are available, in proportion to their available output and within it: the rule by
which the DC model shares an imbalance.

Source: OpenLoadFlow, https://powsybl.readthedocs.io (simulation, load flow and security analysis).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from optimizer.grid.ac_network import quiet_engine, to_powsybl
from optimizer.grid.ac_point import BRANCH, BUS, LEVEL, ACPoint, named
from optimizer.grid.ac_reactive import held_voltages, misplaced
from optimizer.grid.network import Grid

#: Largest mismatch of an equation [pu on 100 MVA], and power that may stay at the slack bus [MW].
MISMATCH_PU, SLACK_MW = "1e-7", "0.01"


@dataclass(frozen=True)
class Attempt:
    """A way to solve a case.

    Parameters
    ----------
    name : str
        Name in results.
    text : str
        What is done, for people.
    reactive_limits : bool
        Units give up their voltage at their reactive limits.
    capacitors : {"given", "load", "out"}
        Shunt capacitors are in service as the grid states, in proportion to the load, or not at all.
    shared_slack : bool
        All available units take up losses; otherwise one bus does.
    """

    name: str
    text: str
    reactive_limits: bool = True
    capacitors: Literal["given", "load", "out"] = "given"
    shared_slack: bool = True


#: In the order in which they are tried: first what the data say, then ever less of it. All start from DC angles.
#: A case states its capacitors for one load, and banks are switched with it; how is not in the data: unverified.
ATTEMPTS = (
    Attempt("as_given", "with reactive limits and capacitors as given"),
    Attempt("capacitors_with_load", "with reactive limits, capacitors in proportion to the load", True, "load"),
    Attempt("capacitors_out", "with reactive limits, capacitors out of service", True, "out"),
    Attempt("no_reactive_limits", "without reactive limits, capacitors in proportion to the load", False, "load"),
    Attempt("one_slack", "the same, losses at one bus instead of shared by all available units", False, "load", False),
)


#: What is said of an attempt that found a solution.
SOLVED = "solved"


@dataclass(frozen=True, eq=False)
class ACFlow:
    """A solved case.

    Parameters
    ----------
    voltage_pu : Series, index ``bus``
        Voltage [pu], nan outside of the part that is solved.
    from_mw, to_mw : Series, index ``branch``
        Active power into the branch at each end [MW], nan where it is out.
    from_mvar, to_mvar : Series, index ``branch``
        Reactive power into the branch at each end [Mvar].
    """

    voltage_pu: pd.Series
    from_mw: pd.Series
    to_mw: pd.Series
    from_mvar: pd.Series
    to_mvar: pd.Series

    @property
    def apparent_mva(self) -> pd.Series:
        """Larger apparent power of the two ends of each branch [MVA]."""
        return np.maximum(np.hypot(self.from_mw, self.from_mvar), np.hypot(self.to_mw, self.to_mvar))

    @property
    def middle_mw(self) -> pd.Series:
        """Flow of each branch with half of its losses taken off [MW], which DC flow is the model of."""
        return (self.from_mw - self.to_mw) / 2


@dataclass(frozen=True, eq=False)
class ACRun:
    """What came of one way to solve a case.

    Parameters
    ----------
    attempt : Attempt
        The way.
    flow : ACFlow or None
        The solution; ``None``: not found.
    said : str
        `SOLVED`, or why there is none, in the engine's own words.
    """

    attempt: Attempt
    flow: ACFlow | None
    said: str


@dataclass(frozen=True, eq=False)
class ACCase:
    """A grid at one time, to be solved.

    Parameters
    ----------
    grid : Grid
        With the ratings that hold then.
    point : ACPoint
        How it runs.
    emergency_factor : float
        Emergency rating over normal rating where none is given [-].
    """

    grid: Grid
    point: ACPoint
    emergency_factor: float = 1.2

    def capacitor_factor(self, attempt: Attempt) -> float:
        """Share of the capacitors that is in service [-]."""
        stated = float(self.grid.buses["load_mw"].sum())
        if attempt.capacitors == "given" or stated <= 0:
            return 1.0
        return 0.0 if attempt.capacitors == "out" else float(np.clip(self.point.load_mw.sum() / stated, 0.0, 1.0))


def parameters(engine: Any, attempt: Attempt, slack_bus: str = "") -> Any:
    """Parameters of the engine.

    Parameters
    ----------
    engine : module
        pypowsybl.
    attempt : Attempt
        The way to solve.
    slack_bus : str
        Bus of angle 0 that takes what is left over; by default the engine's choice, the bus with most circuits.
    """
    given = {
        "newtonRaphsonConvEpsPerEq": MISMATCH_PU,
        "slackBusPMaxMismatch": SLACK_MW,
        "maxNewtonRaphsonIterations": "30",
        "maxOuterLoopIterations": "50",
        # One unit may stand for many: none is implausibly large, and one at 0 MW is available.
        "plausibleActivePowerLimit": "1e7",
        "generatorsWithZeroMwTargetAreNotStarted": "false",
        "minPlausibleTargetVoltage": "0.5",
        "maxPlausibleTargetVoltage": "1.5",
        # What one bus takes is then part of the result, not a failure.
        "slackDistributionFailureBehavior": "FAIL" if attempt.shared_slack else "LEAVE_ON_SLACK_BUS",
    }
    if slack_bus:
        given |= {"slackBusSelectionMode": "NAME", "slackBusesIds": LEVEL + slack_bus}
    flow = engine.loadflow
    return flow.Parameters(
        voltage_init_mode=flow.VoltageInitMode.DC_VALUES,
        use_reactive_limits=attempt.reactive_limits,
        distributed_slack=attempt.shared_slack,
        balance_type=flow.BalanceType.PROPORTIONAL_TO_GENERATION_P_MAX,
        twt_split_shunt_admittance=True,
        transformer_voltage_control_on=False,
        phase_shifter_regulation_on=False,
        shunt_compensator_voltage_control_on=False,
        read_slack_bus=False,
        write_slack_bus=False,
        component_mode=flow.ComponentMode.MAIN_CONNECTED,
        provider_parameters=given,
    )


class ACSolver:
    """A case converted for one way to solve it.

    Parameters
    ----------
    case : ACCase
        The case.
    attempt : Attempt
        How it is solved.
    """

    def __init__(self, case: ACCase, attempt: Attempt) -> None:
        self.case = case
        self.attempt = attempt
        factor = case.capacitor_factor(attempt)
        converted = to_powsybl(case.grid, case.point, case.emergency_factor, factor)
        self.network, self.findings = converted.network, converted.findings
        self._held = held_voltages(self.network)
        self._injects = pd.concat(
            frame["bus_breaker_bus_id"]
            for frame in (
                self.network.get_generators(all_attributes=True),
                self.network.get_loads(all_attributes=True),
            )
        ).str.removeprefix(BUS)
        self._elements = {*self._injects.index, *self.network.get_branches(attributes=[]).index}

    def elements(self, ids: Iterable[str]) -> list[str]:
        """Those of some elements that are in the converted network."""
        return [one for one in ids if one in self._elements]

    def solve(self, out: Sequence[str] = (), reactive_limits: bool | None = None, slack_bus: str = "") -> ACRun:
        """Solve the case from DC angles.

        Parameters
        ----------
        out : sequence of str
            Elements that are out, by their ids in the converted network.
        reactive_limits : bool, optional
            Another choice than the attempt's.
        slack_bus : str
            As in `parameters`.
        """
        way = self.attempt if reactive_limits is None else replace(self.attempt, reactive_limits=reactive_limits)
        for one in out:
            self.network.disconnect(one)
        with quiet_engine() as engine:
            results = engine.loadflow.run_ac(self.network, parameters(engine, way, slack_bus))
            main = next((r for r in results if r.connected_component_num == 0), None)
            solved = main is not None and main.status.name == "CONVERGED"
            flow = self._read() if solved else None
        for one in out:
            self.network.connect(one)
        said = "no unit holds a voltage" if main is None else str(main.status_text).lower()
        return self._settled(ACRun(way, flow, said), out)

    def solve_outages(self, outages: Mapping[str, Sequence[str]]) -> dict[str, ACRun]:
        """Solve outages, each from the solution before it; those without a solution once more on their own.

        Parameters
        ----------
        outages : mapping of str to sequence of str
            Elements out together, by their ids in the converted network, by name of the outage.

        Returns
        -------
        dict of str to ACRun
            By name, in the order given; ``attempt.reactive_limits`` tells whether a solution was found with them.
        """
        runs = self._together(outages)
        for name, run in runs.items():
            if run.flow is None:
                run = self.solve(outages[name])
                if run.flow is None and self.attempt.reactive_limits:
                    run = self.solve(outages[name], reactive_limits=False)
                runs[name] = run
        return runs

    def _together(self, outages: Mapping[str, Sequence[str]]) -> dict[str, ACRun]:
        """All outages in one security analysis, which takes a fifth of the time of one power flow each."""
        if not outages:
            return {}
        with quiet_engine() as engine:
            analysis = engine.security.create_analysis()
            for number, elements in enumerate(outages.values()):
                analysis.add_multiple_elements_contingency(list(elements), str(number))
            analysis.add_monitored_elements(
                branch_ids=list(self.network.get_branches(attributes=[]).index),
                voltage_level_ids=list(self.network.get_voltage_levels(attributes=[]).index),
            )
            settings = engine.security.Parameters(load_flow_parameters=parameters(engine, self.attempt))
            result = analysis.run_ac(self.network, settings)
            branches, buses = _by_outage(result.branch_results), _by_outage(result.bus_results)
            states = {key: value.status.name for key, value in result.post_contingency_results.items()}
        runs = {}
        for number, (name, elements) in enumerate(outages.items()):
            key = str(number)
            state = states.get(key, "not solved")
            solved = state == "CONVERGED" and key in branches and key in buses
            flow = self._flow(buses[key]["v_mag"], branches[key]) if solved else None
            runs[name] = self._settled(ACRun(self.attempt, flow, state.lower().replace("_", " ")), elements)
        return runs

    def _read(self) -> ACFlow:
        buses = self.network.get_bus_breaker_view_buses(attributes=["v_mag"])
        return self._flow(buses["v_mag"], self.network.get_branches(attributes=["p1", "q1", "p2", "q2"]))

    def _flow(self, v_kv: pd.Series, branches: pd.DataFrame) -> ACFlow:
        """Results by the grid's ids, in the order of its tables."""
        buses = self.case.grid.buses
        voltage = v_kv.reindex(named(BUS, buses.index)).to_numpy(float) / buses["base_kv"].to_numpy(float)
        ids = self.case.grid.branches_in_service.index
        rows = branches.reindex(named(BRANCH, ids))
        ends = (pd.Series(rows[c].to_numpy(float), index=ids) for c in ("p1", "p2", "q1", "q2"))
        return ACFlow(pd.Series(voltage, index=buses.index), *ends)

    def _settled(self, run: ACRun, out: Sequence[str]) -> ACRun:
        """Take a solution back that leaves units at the reactive limit of the wrong side."""
        if run.flow is None:
            return run
        flow, run = run.flow, replace(run, said=SOLVED)
        if not run.attempt.reactive_limits:
            return run
        skip = {str(self._injects[one]) for one in out if one in self._injects.index}
        wrong = misplaced(self.case.grid, self._held, flow.voltage_pu, flow.from_mvar, flow.to_mvar, skip)
        if not wrong:
            return run
        return ACRun(run.attempt, None, f"reactive limits do not settle at {len(wrong)} buses, {wrong[0]} among them")


def _by_outage(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each outage by element: the last level of the index."""
    inner = list(range(frame.index.nlevels - 1))
    return {str(key): rows.droplevel(inner) for key, rows in frame.groupby(level="contingency_id")}
