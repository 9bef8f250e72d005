"""What the tables of study.toml are made of: closed, frozen tables, and the kinds of values in them."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _year_keys(value: Any) -> Any:
    # TOML has text keys only: 2030 = 2500 arrives as {"2030": 2500}.
    if not isinstance(value, dict):
        return value
    return {int(k) if isinstance(k, str) and re.fullmatch("[0-9]{4}", k) else k: v for k, v in value.items()}


Items = Annotated[tuple[T, ...], BeforeValidator(_tuple)]


Text = Annotated[str, Field(min_length=1, max_length=500)]


Year = Annotated[int, Field(ge=1900, le=2200)]


Share = Annotated[float, Field(ge=0, le=1)]


NotNegative = Annotated[float, Field(ge=0)]


Positive = Annotated[float, Field(gt=0)]


ByYear = Annotated[dict[Year, NotNegative], BeforeValidator(_year_keys)]


class Settings(BaseModel):
    """A table of study.toml: an unknown key is an error, values are not converted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
