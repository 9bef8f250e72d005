"""A rule for large loads: its keys in a file, the days and sizes for which it holds, and what it does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

T = TypeVar("T")

UNPROVEN = ("weak", "unverified")
"""Confidence of a rule that is flagged wherever it is used."""


@dataclass(frozen=True)
class Day:
    """A day, or a month or year of which the day is not known.

    Parameters
    ----------
    text : str
        As written: ``"2026-03-01"``, ``"2026-03"`` or ``"2026"``.
    first, last : date
        First and last day that it can be.
    """

    text: str
    first: date
    last: date

    @property
    def is_exact(self) -> bool:
        """Whether the day itself is known."""
        return self.first == self.last


def day_of(value: date | str) -> Day:
    """Read a date, or ``"YYYY-MM-DD"``, ``"YYYY-MM"``, ``"YYYY"``.

    Raises
    ------
    ValueError
        It is none of these, or no day of the calendar.
    """
    if type(value) is date:
        return Day(value.isoformat(), value, value)
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(value)
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    first = date(year, month or 1, day or 1)
    if day is not None:
        return Day(str(value), first, first)
    after = date(year + 1, 1, 1) if month in (None, 12) else date(year, (month or 0) + 1, 1)
    return Day(str(value), first, after - timedelta(days=1))


def _day(value: Any) -> Day:
    try:
        return day_of(value)
    except (ValueError, OverflowError):
        message = "give a day such as 2026-01-31, or text such as '2026-01' or '2026' where the day is not known"
        raise PydanticCustomError("rule_day", message) from None


def _items(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", value):
        raise PydanticCustomError("rule_id", "use letters, digits, -, _ and ., at most 100, a letter or digit first")
    return value


Text = Annotated[str, Field(min_length=1, max_length=2000)]
Id = Annotated[str, AfterValidator(_identifier)]
Items = Annotated[tuple[T, ...], BeforeValidator(_items), Field(max_length=1000)]
WhenText = Annotated[Any, AfterValidator(_day)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Range:
    """Sizes for which a rule holds: from `low`, or above it where it is open, up to `high`.

    Parameters
    ----------
    low, high : float
        Bounds, in the unit of the size.
    low_is_open : bool
        Whether `low` itself is outside.
    """

    low: float = 0.0
    high: float = math.inf
    low_is_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether a size is inside."""
        return (value > self.low if self.low_is_open else value >= self.low) and value <= self.high

    def meets(self, least: float, most: float) -> bool:
        """Whether some size from `least` to `most` is inside."""
        return (most > self.low if self.low_is_open else most >= self.low) and least <= self.high

    def says(self, unit: str) -> str:
        """The range in words, empty if every size is inside."""
        parts = [f"{'above' if self.low_is_open else 'from'} {self.low:g} {unit}"] if self.low > 0 else []
        parts += [f"up to {self.high:g} {unit}"] if self.high < math.inf else []
        return " ".join(parts)


class Rule(BaseModel):
    """One rule: whom it holds for, what it does, and where it was read. Every key of a ``[[rule]]`` table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    id: Id = Field(description="Name of the rule, unique in its file [text].")
    title: Text = Field(description="What the rule is, in a line [text].")
    jurisdiction: Items[Text] = Field(
        min_length=1,
        description="Where it holds: codes such as 'US-TX', '48453' (county), 'ERCOT', 'EU', or of a [[jurisdiction]].",
    )
    status: Literal["in_force", "proposed", "ended"] = Field(
        description="in_force; proposed, which holds only where a study asks for it; ended."
    )
    effective: WhenText | None = Field(None, description="First day in force [date]. Default: not known, long ago.")
    end: WhenText | None = Field(None, description="Last day in force [date]. Default: none.")
    threshold_mw: NotNegative | None = Field(None, description="Holds for loads of this size or more [MW].")
    above_mw: NotNegative | None = Field(None, description="Holds for loads above this size [MW].")
    up_to_mw: NotNegative | None = Field(None, description="Holds for loads up to this size [MW].")
    threshold_kv: NotNegative | None = Field(None, description="Holds at this voltage or more [kV].")
    above_kv: NotNegative | None = Field(None, description="Holds above this voltage [kV].")
    up_to_kv: NotNegative | None = Field(None, description="Holds up to this voltage [kV].")
    forbid: bool = Field(False, description="Whether campuses are forbidden while it is in force.")
    study_months: NotNegative | None = Field(
        None, description="Months from request to connection agreement, at least [month]."
    )
    fee_usd: NotNegative | None = Field(None, description="Fee of the study, at least [$].")
    security_usd_per_mw: NotNegative | None = Field(None, description="Security to be posted [$/MW].")
    minimum_take_share: Share | None = Field(None, description="Share of contracted demand paid at least [-].")
    curtailment_share: Share | None = Field(None, description="Share of the load that may be curtailed [-].")
    curtailment_hours: Annotated[float, Field(ge=0, le=8784)] | None = Field(
        None, description="Hours of a year in which load may be curtailed [h/year]."
    )
    pue_max: Annotated[float, Field(ge=1)] | None = Field(None, description="Largest yearly PUE [-].")
    wue_max_l_per_kwh: NotNegative | None = Field(None, description="Largest yearly site WUE [L/kWh].")
    water_forbidden: Items[Text] = Field((), description="Water sources that may not be used; 'all' for any water.")
    renewable_share: Share | None = Field(None, description="Share of yearly energy from renewables [-].")
    eia_required: bool = Field(False, description="Whether an environmental impact assessment is required.")
    data_residency: Text | None = Field(None, description="What must stay where, in a sentence [text].")
    duties: Items[Text] = Field((), description="What else it asks, a sentence each [text].")
    note: Text | None = Field(None, description="What else to know about it [text].")
    source: Text = Field(description="Document in which it was read [text].")
    section: Text | None = Field(None, description="Section or article of the document [text].")
    confidence: Literal["primary", "secondary", "weak", "unverified"] = Field(
        description="primary: read in the issuing body's document; secondary: in one that quotes it; weak; unverified."
    )
    doubts: Items[Text] = Field((), description="What is not certain about it, a sentence each [text].")

    @property
    def load_range(self) -> Range:
        """Loads for which it holds [MW]."""
        return _range(self.threshold_mw, self.above_mw, self.up_to_mw)

    @property
    def voltage_range(self) -> Range:
        """Voltages at which it holds [kV]."""
        return _range(self.threshold_kv, self.above_kv, self.up_to_kv)

    @property
    def first_day(self) -> date:
        """First day on which it can be in force."""
        return self.effective.first if self.effective is not None else date.min

    @property
    def last_day(self) -> date:
        """Last day on which it can be in force."""
        return self.end.last if self.end is not None else date.max

    def reservations(self, first: date, last: date) -> tuple[str, ...]:
        """Why it must not be relied on without a look at its source; empty for a rule that is well proven.

        Parameters
        ----------
        first, last : date
            Days that are asked about: a day that is not exact matters only if it may be one of them.
        """
        found = [f"confidence {self.confidence}"] if self.confidence in UNPROVEN else []
        if self.effective is not None and not self.effective.is_exact and first <= self.effective.last:
            found.append(f"the effective day is not known, only {self.effective.text}")
        if self.end is not None and not self.end.is_exact and last >= self.end.first:
            found.append(f"the last day is not known, only {self.end.text}")
        return (*found, *self.doubts)

    @property
    def has_effect(self) -> bool:
        """Whether it does anything."""
        return any(True for _ in effects(self))


def _range(threshold: float | None, above: float | None, up_to: float | None) -> Range:
    return Range(
        above if above is not None else threshold or 0.0, math.inf if up_to is None else up_to, above is not None
    )


@dataclass(frozen=True)
class Effect:
    """One thing that a rule does.

    Parameters
    ----------
    name : str
        Key of the rule.
    value : float, optional
        Its number, ``None`` where it has none.
    unit : str
        Unit of the number.
    text : str
        What it asks, in words.
    """

    name: str
    value: float | None
    unit: str
    text: str


_NUMBERS = (
    ("study_months", "month", "study and agreement take this long at least"),
    ("fee_usd", "$", "fee of the study, at least"),
    ("security_usd_per_mw", "$/MW", "security to be posted"),
    ("minimum_take_share", "-", "share of contracted demand paid at least"),
    ("curtailment_share", "-", "share of the load that may be curtailed"),
    ("curtailment_hours", "h/year", "hours in which load may be curtailed"),
    ("pue_max", "-", "largest yearly PUE"),
    ("wue_max_l_per_kwh", "L/kWh", "largest yearly site WUE"),
    ("renewable_share", "-", "share of yearly energy from renewables"),
)


def effects(rule: Rule) -> Iterator[Effect]:
    """Everything that a rule does, in a fixed order."""
    if rule.forbid:
        yield Effect("forbid", None, "", "campuses are forbidden while it is in force")
    for name, unit, text in _NUMBERS:
        value = getattr(rule, name)
        if value is not None:
            yield Effect(name, float(value), unit, text)
    if rule.water_forbidden:
        yield Effect("water_forbidden", None, "", f"water not to be used: {', '.join(rule.water_forbidden)}")
    if rule.eia_required:
        yield Effect("eia_required", None, "", "an environmental impact assessment is required")
    if rule.data_residency is not None:
        yield Effect("data_residency", None, "", rule.data_residency)
    for number, duty in enumerate(rule.duties, start=1):
        yield Effect(f"duty {number}", None, "", duty)
