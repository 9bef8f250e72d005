"""Rules of a study: which of them touch its sites, and what they change there.

Two spans of days count. What decides whether and when a campus may be applied for (bans, studies, fees) counts if it
is in force on a day of the decision year; what holds while it operates (PUE, water, shares) if it is in force on a day
from the first period to the end of the last period's year.

========================  ============================================================================================
ban without an end        the site is refused, or kept to sizes below the ban's threshold
ban with an end           lead times run from the day after it
``study_months``          lead times grow by what it exceeds the region's usual study
``fee_usd``               one-time cost of the campus: of one jurisdiction the largest fee, of several their sum
``pue_max``, ``wue_max``  cooling whose yearly figure is above is not on offer
``water_forbidden``       cooling that takes water is not on offer where the study may use such a source
everything else           a line of the report: money between parties is no cost of the system
========================  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.layers.jurisdictions import Place, split_names
from optimizer.layers.regulation import Question, RuleBook, judge
from optimizer.layers.rule import Rule
from optimizer.study.economics import ready_year
from optimizer.units import USD_PER_MUSD

if TYPE_CHECKING:
    from optimizer.study.costs import Costs

LIMITS = ("pue_max", "wue_max_l_per_kwh", "water_forbidden")
"""Columns of a site that limit its cooling: largest yearly PUE [-] and WUE [L/kWh], nan for none; sources not to be
used."""

FLOOR = 1e-9
"""Added before rounding down to whole blocks, as for land [-]."""

ANY_WATER = "all"
"""Stands for every water source."""

_APPLYING = ("forbid", "study_months", "fee_usd", "eia_required", "security_usd_per_mw")
_OPERATING = (
    "minimum_take_share",
    "curtailment_share",
    "curtailment_hours",
    "pue_max",
    "wue_max_l_per_kwh",
    "water_forbidden",
    "renewable_share",
    "data_residency",
)
_MONTHS = 12


@dataclass(frozen=True)
class Spans:
    """Days that count.

    Parameters
    ----------
    applying : tuple of date
        First and last day of the decision year.
    operating : tuple of date
        First day of the first period, last day of the last period's year.
    """

    applying: tuple[date, date]
    operating: tuple[date, date]

    @classmethod
    def of(cls, config: StudyConfig) -> Spans:
        """Those of a study."""
        decided, periods = config.study.decision_year, config.study.periods
        return cls((date(decided, 1, 1), date(decided, 12, 31)), (date(min(periods), 1, 1), date(max(periods), 12, 31)))


@dataclass(frozen=True, eq=False)
class SiteRules:
    """What rules change at each place.

    Parameters
    ----------
    table : DataFrame, index place
        ``forbidden_by`` (rule, empty where a campus is allowed), ``forbidden_from_mw`` (its threshold) [MW],
        ``max_blocks`` (most blocks that are allowed), ``wait_months`` (until bans end) [month], ``study_months``
        [month], ``fee_musd`` [M$], and `LIMITS`.
    """

    table: pd.DataFrame


def site_rules(places: pd.DataFrame, book: RuleBook, spans: Spans, least_kv: float = 0.0) -> SiteRules:
    """Find the rules that hold at each place, and what they change there.

    Parameters
    ----------
    places : DataFrame
        ``jurisdictions`` (``;``-joined, with all that hold them), ``block_mw`` [MW], ``min_blocks``, ``max_blocks`` and
        ``draw_per_it`` (power drawn from the network per IT power, at its largest) [-].
    book : RuleBook
        The rules.
    spans : Spans
        Days that count.
    least_kv : float
        Lowest voltage of a point of interconnection; a rule for a voltage that some point may have holds [kV].

    Returns
    -------
    SiteRules
        A size is what the campus draws: ``blocks x block_mw x draw_per_it``.
    """
    found = _Found(places)
    number, kinds = pd.factorize(places["jurisdictions"])
    for rule in book.rules:
        holds = np.array([_holds(rule, text, book, spans, least_kv) for text in kinds], dtype=bool)
        if holds.any():
            found.add(rule, holds[number], spans)
    return found.result(places)


def _holds(rule: Rule, text: str, book: RuleBook, spans: Spans, least_kv: float) -> bool:
    """Whether a rule holds for some size in jurisdictions, on a day that counts for something that it does."""
    inside = frozenset(split_names(text))
    if inside.isdisjoint(rule.jurisdiction):
        return False
    first, last = span_of(rule, spans)
    asked = Question(Place(inside, has_point=True), 0.0, np.inf, first, last, least_kv)
    return judge(rule, asked, book.jurisdictions, book.scenarios).outcome != "does_not_apply"


def span_of(rule: Rule, spans: Spans) -> tuple[date, date]:
    """First and last day that count for a rule: all days from the decision on if it does both, or asks duties only."""
    applying, operating = (any(_is_given(rule, name) for name in names) for names in (_APPLYING, _OPERATING))
    if applying == operating:
        return spans.applying[0], spans.operating[1]
    return spans.applying if applying else spans.operating


def _is_given(rule: Rule, name: str) -> bool:
    return getattr(rule, name) not in (None, False, ())


class _Found:
    """Collects the effects of rules, place by place."""

    def __init__(self, places: pd.DataFrame) -> None:
        n = len(places)
        self.per_block_mw = (places["block_mw"] * places["draw_per_it"]).to_numpy(dtype=float)
        self.least = places["min_blocks"].clip(lower=1).to_numpy(dtype=float)
        self.most = places["max_blocks"].to_numpy(dtype=float).copy()
        self.forbidden_by = np.full(n, "", dtype=object)
        self.forbidden_from_mw = np.zeros(n)
        self.wait_months, self.study_months = np.zeros(n), np.zeros(n)
        self.fees: dict[str, np.ndarray] = {}
        self.pue_max, self.wue_max = np.full(n, np.inf), np.full(n, np.inf)
        self.water = np.full(n, "", dtype=object)

    def add(self, rule: Rule, here: np.ndarray, spans: Spans) -> None:
        """Add a rule at the places where it holds, as far as their sizes are in its range."""
        touched = here & (self.forbidden_by == "") & self._meets(rule)
        if rule.forbid:
            self._ban(rule, touched, spans)
        at = touched & (self.forbidden_by == "")
        self.study_months[at] = np.maximum(self.study_months[at], rule.study_months or 0.0)
        if rule.fee_usd is not None:
            fee = self.fees.setdefault(rule.jurisdiction[0], np.zeros(len(at)))
            fee[at] = np.maximum(fee[at], rule.fee_usd / USD_PER_MUSD)
        if rule.pue_max is not None:
            self.pue_max[at] = np.minimum(self.pue_max[at], rule.pue_max)
        if rule.wue_max_l_per_kwh is not None:
            self.wue_max[at] = np.minimum(self.wue_max[at], rule.wue_max_l_per_kwh)
        for i in np.flatnonzero(at) if rule.water_forbidden else ():
            self.water[i] = ";".join(sorted({*split_names(self.water[i]), *rule.water_forbidden}))

    def _meets(self, rule: Rule) -> np.ndarray:
        size = rule.load_range
        least, most = self.least * self.per_block_mw, self.most * self.per_block_mw
        reaches = most > size.low if size.low_is_open else most >= size.low
        return reaches & (least <= size.high)

    def _ban(self, rule: Rule, here: np.ndarray, spans: Spans) -> None:
        if rule.end is not None:
            wait = months_between(spans.applying[0], rule.last_day + timedelta(days=1))
            self.wait_months[here] = np.maximum(self.wait_months[here], wait)
            return
        size = rule.load_range
        below = size.low / self.per_block_mw
        blocks = np.floor(below + FLOOR)
        if not size.low_is_open:
            # The threshold itself is forbidden.
            blocks = np.where(np.abs(blocks - below) <= FLOOR, blocks - 1, blocks)
        none = here & (blocks < self.least)
        self.forbidden_by[none] = rule.id
        self.forbidden_from_mw[none] = size.low
        some = here & ~none
        self.most[some] = np.minimum(self.most[some], blocks[some])

    def result(self, places: pd.DataFrame) -> SiteRules:
        """Put the effects together."""
        fee = np.sum(list(self.fees.values()), axis=0) if self.fees else np.zeros(len(places))
        table = pd.DataFrame(
            {
                "forbidden_by": self.forbidden_by,
                "forbidden_from_mw": self.forbidden_from_mw,
                "max_blocks": self.most.astype("int64"),
                "wait_months": self.wait_months,
                "study_months": self.study_months,
                "fee_musd": fee,
                "pue_max": np.where(np.isfinite(self.pue_max), self.pue_max, np.nan),
                "wue_max_l_per_kwh": np.where(np.isfinite(self.wue_max), self.wue_max, np.nan),
                "water_forbidden": self.water,
            },
            index=places.index,
        )
        return SiteRules(table)


def months_between(start: date, end: date) -> float:
    """Months from one day to another, the days of the last month as a share of 31; 0 if it is not later [month]."""
    months = (end.year - start.year) * _MONTHS + end.month - start.month + (end.day - start.day) / 31
    return max(0.0, months)


def extra_months(table: pd.DataFrame, costs: Costs) -> pd.Series:
    """Months by which lead times grow: the wait for bans to end, and a longer study than usual [month].

    Parameters
    ----------
    table : DataFrame
        Of `SiteRules`, or sites with its columns.
    costs : Costs
        The region's usual durations.
    """
    return table["wait_months"] + (table["study_months"] - costs.months("study")).clip(lower=0.0)


def permitted(options: pd.DataFrame, places: pd.DataFrame, sources: Sequence[str] | None) -> pd.DataFrame:
    """Cooling options that the rules at their place allow.

    Parameters
    ----------
    options : DataFrame, index (``site``, ``cooling``)
        As `optimizer.study.cooling.by_place` gives them.
    places : DataFrame
        With `LIMITS`.
    sources : sequence of str, optional
        Water sources that the study may use; ``None`` for all.
    """
    at = places[list(LIMITS)].reindex(options.index.get_level_values("site"))
    limited = {text: _takes_forbidden(text, sources) for text in at["water_forbidden"].unique()}
    dry_only = at["water_forbidden"].map(limited).to_numpy(dtype=bool)
    good = (
        ~(options["pue_annual"].to_numpy() > at["pue_max"].to_numpy(dtype=float))
        & ~(options["wue_m3_per_mwh"].to_numpy() > at["wue_max_l_per_kwh"].to_numpy(dtype=float))
        & (~dry_only | (options["wue_m3_per_mwh"].to_numpy() == 0))
    )
    return options[good]


def _takes_forbidden(text: str, sources: Sequence[str] | None) -> bool:
    """Whether a study may use a forbidden source: the model tells sources by basin, not by site."""
    forbidden = set(split_names(text))
    if not forbidden:
        return False
    return ANY_WATER in forbidden or sources is None or bool(forbidden & set(sources))


def rule_groups(table: pd.DataFrame) -> pd.Series:
    """Number of each place's regulation, equal where it changes the same.

    Parameters
    ----------
    table : DataFrame
        Of `SiteRules`.
    """
    changes = ["wait_months", "study_months", "fee_musd", *LIMITS]
    return table.groupby(changes, sort=False, dropna=False).ngroup()


def delayed(ties: pd.DataFrame, months: pd.Series, costs: Costs, decision_year: int) -> pd.DataFrame:
    """Ties whose lead time grows with that of their site.

    Parameters
    ----------
    ties : DataFrame
        ``site``, ``base_kv`` [kV] and ``ready``.
    months : Series, index site
        As `extra_months` gives it [month].
    costs : Costs
        The region's usual durations.
    decision_year : int
        Lead times run from the start of this year.
    """
    extra = ties["site"].map(months).to_numpy(dtype=float)
    late = extra > 0
    if not late.any():
        return ties
    kv = ties["base_kv"].to_numpy(dtype=float)
    years = ties["ready"].to_numpy(dtype="int64").copy()
    usual = {v: costs.tie_months(v) for v in set(kv[late].tolist())}
    years[late] = [ready_year(decision_year, usual[v] + m) for v, m in zip(kv[late].tolist(), extra[late], strict=True)]
    return ties.assign(ready=years)
