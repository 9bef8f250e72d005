"""Every column of the grid tables: type, unit, bounds, default and meaning.

The names are the contract of the tables a user can bring. Impedances are per unit on 100 MVA, whatever the base of the
case they came from. Missing means: the default where there is one, else ``nan`` (numbers) or an empty text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "float", "int", "bool"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Name of the column, which ends in its unit if it has one.
    kind : {"id", "text", "float", "int", "bool"}
        An ``id`` is text that must not be empty.
    unit : str
        Unit, empty for text and pure numbers.
    default : object
        Value of an empty cell or an absent column; ``None``: a required cell must be filled, an optional one is
        ``nan`` or an empty text.
    required : bool
        Whether the column must be there.
    lower, upper : float
        Inclusive bounds of the value, in `unit`.
    meaning : str
        What the column says, one sentence.
    lower_open : bool
        The value must be above `lower`, not equal to it.
    """

    name: str
    kind: Kind
    unit: str = ""
    default: object = None
    required: bool = False
    lower: float = -math.inf
    upper: float = math.inf
    meaning: str = ""
    lower_open: bool = False


def _id(name: str, meaning: str, required: bool = True) -> Column:
    return Column(name, "id", required=required, meaning=meaning)


def _text(name: str, meaning: str, default: str = "") -> Column:
    return Column(name, "text", default=default, meaning=meaning)


_X_PU = Column("x_pu", "float", "pu", required=True, meaning="Series reactance on 100 MVA; not zero.")
_R_PU = Column("r_pu", "float", "pu", 0.0, meaning="Series resistance on 100 MVA.")
_TAP = Column("tap", "float", "", 1.0, lower=0, lower_open=True, meaning="Tap ratio, from-side over to-side.")
_SHIFT = Column("shift_deg", "float", "deg", 0.0, lower=-360, upper=360, meaning="Phase shift, positive delays flow.")
_ANGLES = (
    Column("angle_min_deg", "float", "deg", lower=-360, upper=360, meaning="Least angle, from less to; empty: none."),
    Column("angle_max_deg", "float", "deg", lower=-360, upper=360, meaning="Largest angle, from less to; empty: none."),
)
_RATING = Column("rating_mw", "float", "MW", math.inf, True, 0, meaning="Normal rating; empty or 0: unlimited.")
_EMERGENCY = Column(
    "rating_emergency_mw", "float", "MW", lower=0, meaning="Rating after an outage; empty or 0: not given."
)
_ENDS = (_id("from_bus", "Bus where positive flow enters."), _id("to_bus", "Bus where positive flow leaves."))
_IN_SERVICE = Column("in_service", "bool", "", True, meaning="Whether the element is in service.")
_KIND = _text("kind", "line or transformer.", "line")
_COST = Column("cost_musd", "float", "M$", required=True, lower=0, meaning="One-time cost of one.")
_READY = Column("ready", "int", "year", 0, lower=0, meaning="First year it can serve; 0: any.")

#: Columns of every table of a grid folder, in order. The first column identifies the row where `KEYS` says so.
TABLES: dict[str, tuple[Column, ...]] = {
    "buses": (
        _id("bus", "Bus."),
        Column("base_kv", "float", "kV", None, True, 0, meaning="Nominal voltage.", lower_open=True),
        Column("load_mw", "float", "MW", 0.0, meaning="Existing load, shunts not included."),
        Column("lat", "float", "deg", lower=-90, upper=90, meaning="Latitude, WGS 84."),
        Column("lon", "float", "deg", lower=-180, upper=180, meaning="Longitude, WGS 84."),
        _text("substation", "Substation the bus belongs to."),
        _text("zone", "Zone, which load factors refer to."),
        _text("name", "Name shown to people."),
        Column("shunt_mw", "float", "MW", 0.0, meaning="Shunt conductance as load at 1.0 pu voltage."),
    ),
    "branches": (
        _id("branch", "Line or transformer."),
        *_ENDS,
        _X_PU,
        _RATING,
        _EMERGENCY,
        _KIND,
        _R_PU,
        _TAP,
        _SHIFT,
        Column("length_km", "float", "km", lower=0, meaning="Length of the route."),
        _IN_SERVICE,
        *_ANGLES,
    ),
    "generators": (
        _id("generator", "Generating unit."),
        _id("bus", "Bus it feeds."),
        Column("p_max_mw", "float", "MW", None, True, meaning="Largest output."),
        Column("p_min_mw", "float", "MW", 0.0, meaning="Least output while in service."),
        Column("p_mw", "float", "MW", meaning="Output, used by a fixed dispatch."),
        Column("cost_usd_per_mwh", "float", "$/MWh", 0.0, meaning="Linear cost coefficient c1 of c2 p^2 + c1 p + c0."),
        Column("cost_quadratic_usd_per_mw2h", "float", "$/MW2h", 0.0, lower=0, meaning="Quadratic coefficient c2."),
        Column("cost_constant_usd_per_h", "float", "$/h", 0.0, meaning="Constant coefficient c0, paid in service."),
        _text("cost_points", "Convex piecewise linear cost, `MW:$/h MW:$/h ...`; replaces the three coefficients."),
        _text("carrier", "Fuel or technology, which availability refers to."),
        Column("accredited_share", "float", "", 1.0, lower=0, upper=1, meaning="Share of p_max counted at the peak."),
        Column("carbon_t_per_mwh", "float", "t/MWh", lower=0, meaning="Emissions, CO2 equivalent."),
        _IN_SERVICE,
    ),
    "hvdc": (
        _id("link", "DC link."),
        *_ENDS,
        Column("p_max_mw", "float", "MW", None, True, meaning="Largest transfer, withdrawn at from_bus."),
        Column("p_min_mw", "float", "MW", meaning="Least transfer; empty: -p_max_mw."),
        Column("loss_mw", "float", "MW", 0.0, lower=0, meaning="Constant loss."),
        Column("loss_share", "float", "", 0.0, lower=0, upper=1, meaning="Loss per MW withdrawn at from_bus."),
        _IN_SERVICE,
    ),
    "circuits": (
        _id("circuit", "Candidate circuit."),
        *_ENDS,
        _X_PU,
        _RATING,
        _COST,
        Column("max_count", "int", "", 1, lower=1, meaning="How many may be built."),
        _EMERGENCY,
        _READY,
        _KIND,
        _R_PU,
        _TAP,
        _SHIFT,
        *_ANGLES,
        _text("replaces", "Branch between the same buses that goes out of service when the first one serves."),
    ),
    "upgrades": (
        _id("upgrade", "Action that raises the rating of a branch."),
        _id("branch", "Branch it is for."),
        Column("added_mw", "float", "MW", None, True, 0, meaning="Normal rating added.", lower_open=True),
        _COST,
        Column("added_emergency_mw", "float", "MW", lower=0, meaning="Emergency rating added; empty: study's factor."),
        _READY,
    ),
    "snapshots": (
        _id("snapshot", "Operating condition."),
        Column("hours", "float", "h", None, True, 0, meaning="Hours a year that it stands for.", lower_open=True),
        Column("load_factor", "float", "", 1.0, lower=0, meaning="Multiplies existing load."),
    ),
    "load_factors": (
        _id("snapshot", "Operating condition."),
        _id("zone", "Zone of the buses."),
        Column("factor", "float", "", None, True, 0, meaning="Multiplies the existing load of the zone."),
    ),
    "availability": (
        _id("snapshot", "Operating condition."),
        _text("generator", "Generator; either this or the carrier is given."),
        _text("carrier", "All generators of this carrier."),
        _text("zone", "Only those at buses of this zone; empty: everywhere."),
        Column("factor", "float", "", None, True, 0, 1, meaning="Multiplies p_max_mw."),
    ),
    "rating_factors": (
        _id("snapshot", "Operating condition."),
        _text("branch", "Branch or new circuit; empty: every one that the cells below name, all where none does."),
        _text("kind", "Only lines or only transformers: line or transformer; empty: both."),
        _text("zone", "Only branches with an end at a bus of this zone; empty: everywhere."),
        Column("base_kv", "float", "kV", 0.0, lower=0, meaning="Only at this voltage, of the lower end; empty: any."),
        Column(
            "factor",
            "float",
            "",
            None,
            True,
            0,
            10,
            meaning="Multiplies the normal rating, upgrades included.",
            lower_open=True,
        ),
        Column(
            "factor_emergency",
            "float",
            "",
            lower=0,
            upper=10,
            lower_open=True,
            meaning="Multiplies the emergency rating, upgrades included; empty: factor.",
        ),
    ),
    "contingencies": (
        _id("contingency", "Elements out together."),
        _id("element", "Branch, generator or link that is out; one row an element."),
    ),
}

#: Columns that make a row unique. A table with a single one is indexed by it.
KEYS: dict[str, tuple[str, ...]] = {
    **{name: (columns[0].name,) for name, columns in TABLES.items()},
    "load_factors": ("snapshot", "zone"),
    "availability": ("snapshot", "generator", "carrier", "zone"),
    "rating_factors": ("snapshot", "branch", "kind", "zone", "base_kv"),
    "contingencies": ("contingency", "element"),
}

#: Further columns, checked when they are there and kept, most of them for an AC study; never filled in.
AC_COLUMNS: dict[str, tuple[Column, ...]] = {
    "buses": (
        Column("type", "int", "", lower=1, upper=4, meaning="1 load, 2 generator, 3 reference, 4 isolated."),
        Column("load_mvar", "float", "Mvar", meaning="Existing reactive load."),
        Column("shunt_mvar", "float", "Mvar", meaning="Shunt susceptance as reactive injection at 1.0 pu voltage."),
        Column("v_max_pu", "float", "pu", lower=0, meaning="Largest voltage."),
        Column("v_min_pu", "float", "pu", lower=0, meaning="Least voltage."),
        Column("v_start_pu", "float", "pu", lower=0, meaning="Voltage to start from."),
        Column("angle_start_deg", "float", "deg", meaning="Angle to start from."),
    ),
    "branches": (
        Column("b_pu", "float", "pu", meaning="Total line charging susceptance on 100 MVA."),
        Column("rating_short_term_mw", "float", "MW", lower=0, meaning="Short-term emergency rating (rate C)."),
        Column("extension_usd_per_mw_year", "float", "$/MW-year", lower=0, meaning="Cost of a MW of rating more."),
        Column("extension_max_mw", "float", "MW", lower=0, meaning="Rating to which it may be extended."),
    ),
    "generators": (
        _text("name", "Name shown to people."),
        Column("q_mvar", "float", "Mvar", meaning="Reactive output to start from."),
        Column("q_max_mvar", "float", "Mvar", meaning="Largest reactive output."),
        Column("q_min_mvar", "float", "Mvar", meaning="Least reactive output."),
        Column("v_set_pu", "float", "pu", lower=0, meaning="Voltage that it holds."),
    ),
    "hvdc": (Column("p_mw", "float", "MW", meaning="Scheduled transfer."),),
    "circuits": (Column("b_pu", "float", "pu", meaning="Total line charging susceptance on 100 MVA."),),
}
