"""What ties, campuses and reconductoring cost, and how long they take, from the facts of a region.

Costs of lines, substations and transformers are those of the region's cited tables, by voltage class. A voltage between
two classes is taken as the class above it; one above all classes as the highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from optimizer.layers.places import M2_PER_HA, M_PER_KM
from optimizer.study import facts
from optimizer.study.economics import shortened
from optimizer.units import USD_PER_MUSD


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs and lead times of a region.

    Parameters
    ----------
    facts : mapping of str to DataFrame
        Tables of the region, see `optimizer.study.facts`.
    shorter_months : float
        Months by which a study's lead times are shorter than the tables' [month].
    """

    facts: Mapping[str, pd.DataFrame]
    shorter_months: float = 0.0

    def line_musd_per_km(self, base_kv: np.ndarray, circuits: np.ndarray) -> np.ndarray:
        """Cost of a new line [M$ per km of route].

        Circuits share towers two by two; where the region has no cost of a double-circuit line at a voltage, two lines
        of one circuit are built.

        Parameters
        ----------
        base_kv : array
            Voltage [kV].
        circuits : int array
            Number of circuits.
        """
        table = self._at("line_costs", base_kv)
        single = table["new_single_circuit_musd_per_km"].to_numpy()
        double = table["new_double_circuit_musd_per_km"].fillna(2 * table["new_single_circuit_musd_per_km"]).to_numpy()
        return double * (circuits // 2) + single * (circuits % 2)

    def positions_musd(self, base_kv: np.ndarray, circuits: np.ndarray) -> np.ndarray:
        """Cost of terminating a tie at both ends [M$].

        At the point of interconnection one position a circuit (breaker and a half), bought two by two. The campus's own
        station of four positions is in the campus's fixed cost and takes two circuits; a third needs one of six.
        """
        table = self._at("substation_costs", base_kv)
        two = table["add_2_positions_breaker_and_a_half_musd"].to_numpy()
        one = table["add_1_position_breaker_and_a_half_musd"].to_numpy()
        four = table["new_4_positions_breaker_and_a_half_musd"].to_numpy()
        six = table["new_6_positions_breaker_and_a_half_musd"].to_numpy()
        return two * (circuits // 2) + one * (circuits % 2) + np.where(circuits > 2, six - four, 0.0)

    def transformers_musd(self, base_kv: np.ndarray, circuits: np.ndarray, load_mw: np.ndarray) -> np.ndarray:
        """Cost of the campus's transformers to the lowest voltage of the region's table [M$].

        One a circuit, so large that the load is carried with one out:
        ``MVA = load / power factor x circuits / (circuits - 1)``.

        Parameters
        ----------
        base_kv, circuits : array
            Voltage [kV] and number of circuits, two or more, of the tie.
        load_mw : array
            Largest load of the campus through this tie [MW].
        """
        mva = load_mw / self.firm_share * circuits / (circuits - 1)
        return mva * self._lowest_transformer(base_kv) / USD_PER_MUSD

    def transformers(self, base_kv: np.ndarray, circuits: np.ndarray) -> np.ndarray:
        """Number of the campus's transformers: one a circuit, none for a tie at the lowest voltage [count]."""
        return np.where(self._lowest_transformer(base_kv) > 0, circuits, 0)

    def transformer_mva(self, base_kv: np.ndarray, circuits: np.ndarray, load_mw: np.ndarray) -> np.ndarray:
        """Size of each of the campus's transformers, the load being carried with one out [MVA].

        ``MVA = load / power factor / (circuits - 1)``, 0 where there is none.
        """
        each = load_mw / self.firm_share / (circuits - 1)
        return np.where(self.transformers(base_kv, circuits) > 0, each, 0.0)

    def campus_positions(self, circuits: np.ndarray) -> np.ndarray:
        """Positions of the campus's own station: four take two circuits, more need six [count]."""
        return np.where(circuits > 2, 6, 4)

    def right_of_way_ha_per_km(self, base_kv: np.ndarray, circuits: np.ndarray) -> np.ndarray:
        """Land of the right-of-way of a tie [ha per km of route]; nan where the region's table gives no width.

        ``width x number of lines / 10``, the width that of one line at the voltage. Circuits share towers two by two
        where the region has such lines; lines run side by side.
        """
        table = self._at("line_costs", base_kv)
        pairs = np.where(table["new_double_circuit_musd_per_km"].isna(), 2, 1)
        lines = pairs * (circuits // 2) + circuits % 2
        return table["right_of_way_width_m"].to_numpy() * lines * M_PER_KM / M2_PER_HA

    @cached_property
    def right_of_way_musd_per_ha(self) -> float:
        """Cost of a right-of-way: land, acquisition and permitting, as far as the region has them [M$/ha].

        It is part of the cost of a line, not to be added to it: the guide that the line costs are from counts land and
        right-of-way among them (MISO, Transmission Cost Estimation Guide for MTEP24, s.2.1).
        """
        rows = self.facts["land"].set_index("item")["value"]
        known = rows.reindex(["land_price_pasture", "right_of_way_acquisition", "right_of_way_permitting"])
        return float(known.sum(min_count=1)) / USD_PER_MUSD

    def suggested_load_mw(self, base_kv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest load suggested for a tie by its voltage class [MW]."""
        table = self._at("tie_ratings", base_kv)
        return table["suggested_load_min_mw"].to_numpy(), table["suggested_load_max_mw"].to_numpy()

    def _lowest_transformer(self, base_kv: np.ndarray) -> np.ndarray:
        table = self.facts["transformer_costs"]
        lowest = table[table["kv_low"] == table["kv_low"].min()].set_index("kv_high").sort_index()
        cost = lowest["usd_per_mva_with_adders"].to_numpy()[_class(lowest.index.to_numpy(), base_kv)]
        # A tie at the lowest voltage itself needs no transformer.
        return np.where(base_kv > table["kv_low"].min(), cost, 0.0)

    def firm_tie_mw(self, base_kv: np.ndarray, circuits: np.ndarray) -> np.ndarray:
        """Power that a tie carries with one of its circuits out [MW].

        ``(circuits - 1) x thermal rating x power factor``; the rating of a voltage between two classes is that of the
        class above in proportion to voltage.
        """
        return (circuits - 1) * self.typical_rating_mva(base_kv) * self.firm_share

    def reconductor_musd_per_km(self, base_kv: np.ndarray) -> np.ndarray:
        """Cost of a new conductor on existing structures [M$/km]."""
        return self._at("line_costs", base_kv)["reconductor_musd_per_km"].to_numpy()

    def rebuild_musd_per_km(self, base_kv: np.ndarray) -> np.ndarray:
        """Cost of a line in the place of an old one [M$/km]; nan where the region's table has none at the voltage."""
        table = self._at("line_costs", base_kv)
        given = table.get("rebuild_musd_per_km", pd.Series(np.nan, index=table.index))
        return given.to_numpy(dtype=float)

    def typical_rating_mva(self, base_kv: np.ndarray) -> np.ndarray:
        """Typical thermal rating of a line of one circuit [MVA].

        That of a voltage between two classes is that of the class above in proportion to voltage.
        """
        table = self._at("tie_ratings", base_kv)
        return table["rating_per_circuit_mva"].to_numpy() * np.minimum(1.0, base_kv / table.index.to_numpy())

    def position_musd(self, base_kv: np.ndarray) -> np.ndarray:
        """Cost of one more position in a substation, breaker and a half [M$]."""
        return self._at("substation_costs", base_kv)["add_1_position_breaker_and_a_half_musd"].to_numpy()

    def transformer_usd_per_mva(self, high_kv: np.ndarray, low_kv: np.ndarray) -> np.ndarray:
        """Cost of a transformer between two voltages, installed [$/MVA]; nan where the region's table has none.

        Parameters
        ----------
        high_kv, low_kv : array
            Voltages of its sides [kV].
        """
        table = self.facts["transformer_costs"]
        pairs = table.set_index(["kv_high", "kv_low"])["usd_per_mva_with_adders"]
        classes = np.unique(table[["kv_high", "kv_low"]].to_numpy(dtype=float))
        high, low = classes[_class(classes, high_kv)], classes[_class(classes, low_kv)]
        return pairs.reindex(pd.MultiIndex.from_arrays([high, low])).to_numpy(dtype=float)

    @cached_property
    def firm_share(self) -> float:
        """Power factor of a tie: MW per MVA of thermal rating [-]."""
        return facts.value(self.facts, "assumptions", "tie_firm_share")

    @cached_property
    def route_factor(self) -> float:
        """Length of a line's route over the straight line [-]."""
        return facts.value(self.facts, "land", "line_route_factor")

    @cached_property
    def fibre_route_factor(self) -> float:
        """Length of a fibre's route over the straight line [-]."""
        return facts.value(self.facts, "land", "fibre_route_factor")

    @cached_property
    def fibre_musd_per_km(self) -> float:
        """Cost of fibre [M$ per km of route]."""
        return facts.value(self.facts, "land", "fibre_cost")

    @cached_property
    def land_musd_per_ha(self) -> float:
        """Price of land [M$/ha]."""
        return facts.value(self.facts, "land", "land_price") / USD_PER_MUSD

    @cached_property
    def emission_t_per_mwh(self) -> float:
        """Location-based emission factor: the first row ``grid_average...`` of the region's table [t/MWh]."""
        table = self.facts["emission_factors"]
        rows = table[table["item"].str.startswith("grid_average")]
        return float(rows["carbon_t_per_mwh"].iloc[0]) if len(rows) else 0.0

    def months(self, item: str, base_kv: float = 0.0) -> float:
        """Usual lead time of an item at a voltage [months]; of several rows the first, else the item's longest."""
        rows = self.facts["lead_times"]
        rows = rows[rows["item"] == item]
        at = rows[(rows["kv_min"] <= base_kv) & (base_kv <= rows["kv_max"])]
        return float(at["months_typical"].iloc[0] if len(at) else rows["months_typical"].max())

    def tie_months(self, base_kv: float) -> float:
        """Lead time of a tie [months].

        Study, permit and construction of the line one after the other; breakers and transformers are ordered at the
        decision and must have arrived.
        """
        line = self.months("study") + self.months("permit") + self.months("tie_line_short", base_kv)
        longest = max(line, self.months("breaker"), self.months("substation_transformer"))
        return shortened(longest, self.shorter_months)

    def transformer_months(self, base_kv: float) -> float:
        """Lead time of a transformer in a substation: the study, or the later of its own and its breakers' delivery."""
        longest = max(self.months("study"), self.months("substation_transformer"), self.months("breaker", base_kv))
        return shortened(longest, self.shorter_months)

    def campus_months(self) -> float:
        """Lead time of a campus: study, then construction up to its first hall [months]."""
        return shortened(self.months("study") + self.months("construction"), self.shorter_months)

    def reconductoring_months(self) -> float:
        """Lead time of a reconductoring: the study that asks for it, then the work [months]."""
        return shortened(self.months("study") + self.months("reconductoring"), self.shorter_months)

    def terminal_months(self) -> float:
        """Lead time of terminal work: the study that asks for it, or the delivery of breakers, the later [months]."""
        return shortened(max(self.months("study"), self.months("breaker")), self.shorter_months)

    def _at(self, table: str, base_kv: np.ndarray) -> pd.DataFrame:
        rows = self.facts[table].set_index("base_kv").sort_index()
        return rows.iloc[_class(rows.index.to_numpy(), base_kv)]


def _class(classes: np.ndarray, base_kv: np.ndarray) -> np.ndarray:
    """Position of the lowest class that is not below a voltage, or of the highest."""
    return np.minimum(np.searchsorted(classes, np.asarray(base_kv, dtype=float)), len(classes) - 1)
