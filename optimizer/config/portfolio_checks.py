"""What contradicts itself in the keys about the portfolio, its deliveries and programmes of efficiency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.config.common_checks import repeated
from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.config.decision_tables import DemandSettings, LimitsSettings


def portfolio_checks(
    periods: tuple[int, ...], demand: DemandSettings | None, limits: LimitsSettings
) -> Iterator[Finding]:
    """Every contradiction.

    Parameters
    ----------
    periods : tuple of int
        Years of decision [year].
    demand : DemandSettings, optional
        ``[demand]``.
    limits : LimitsSettings
        ``[limits]``.
    """
    yield from _twice(limits)
    yield from _loss(limits)
    yield from _deliveries(limits)
    for year in sorted(set(limits.embodied_t) - set(periods)):
        remedy = f"use one of the periods: {', '.join(map(str, periods))}"
        text, value = "the year is not one of study.periods", f"{limits.embodied_t[year]:g}"
        yield Finding("config.limit_year", f"limits.embodied_t.{year}", text, value, remedy)
    if demand is not None:
        yield from repeated([one.name for one in demand.efficiency], "demand.efficiency")
        yield from _work(demand)


def _work(demand: DemandSettings) -> Iterator[Finding]:
    if demand.work and demand.it_mw:
        text, remedy = "demand is given in work and in MW", "keep it or demand.it_mw"
        yield Finding("config.demand_twice", "demand.work", text, str(dict(demand.work)), remedy)
    if demand.racks is not None and not demand.work:
        text, remedy = "racks are chosen where demand is given in work", "give demand.work, or leave it out"
        yield Finding("config.racks_without_work", "demand.racks", text, repr(demand.racks), remedy)
    if demand.work and demand.penalty_musd_per_mw_year is not None:
        text = "demand is given in work, and a MW does more of it in one rack than in another"
        found, remedy = f"{demand.penalty_musd_per_mw_year:g}", "give demand.penalty_musd_per_unit in its place"
        yield Finding("config.penalty_of_work", "demand.penalty_musd_per_mw_year", text, found, remedy)
    if demand.penalty_musd_per_unit is not None and not demand.work:
        text, remedy = "it prices units of work, and demand is not given in work", "give penalty_musd_per_mw_year"
        found = f"{demand.penalty_musd_per_unit:g}"
        yield Finding("config.penalty_of_work", "demand.penalty_musd_per_unit", text, found, remedy)


def _twice(limits: LimitsSettings) -> Iterator[Finding]:
    for column in ("county", "substation"):
        if column in limits.share_per and getattr(limits, f"share_per_{column}") is not None:
            text, remedy = "the share is limited twice", f"keep it or limits.share_per_{column}"
            found = f"{limits.share_per[column]:g}"
            yield Finding("config.limit_twice", f"limits.share_per.{column}", text, found, remedy)
    if limits.new_it_mw_per_year is not None and limits.new_it_mw_per_period is not None:
        text, remedy = "the pace of construction is limited twice", "keep it or limits.new_it_mw_per_period"
        found = f"{limits.new_it_mw_per_year:g}"
        yield Finding("config.limit_twice", "limits.new_it_mw_per_year", text, found, remedy)


def _loss(limits: LimitsSettings) -> Iterator[Finding]:
    if (limits.survive_loss_of is None) != (limits.share_left is None):
        key, other = (
            ("survive_loss_of", "share_left") if limits.share_left is None else ("share_left", "survive_loss_of")
        )
        text, remedy = f"it says nothing without {other}", f"give limits.{other} too, or leave both out"
        yield Finding("config.loss_half_given", f"limits.{key}", text, repr(getattr(limits, key)), remedy)


def _deliveries(limits: LimitsSettings) -> Iterator[Finding]:
    yield from repeated([one.item for one in limits.delivery], "limits.delivery")
    for number, one in enumerate(limits.delivery, start=1):
        takes = (one.per_mw, one.per_site, one.per_tie, one.per_backup_mw, one.per_upgrade, one.per_circuit)
        if not any((*takes, *one.per_supply_mw.values(), *one.per_cooling_mw.values())):
            text, remedy = "nothing takes the item", "give per_mw, per_site or per_tie, or another of its per_ keys"
            where = f"limits.delivery#{number} ({one.item})"
            yield Finding("config.delivery_without_need", where, text, repr(one.item), remedy)
