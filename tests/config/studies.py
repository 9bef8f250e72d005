"""Study files that the tests change, and what is said of one that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.config import load_config
from optimizer.errors import Finding, InputError

SMALL = '[study]\nname = "small"\n'
FULL = """
[study]
name = "Two periods"
periods = [2028, 2030]

[grid]
source = "grid"

[demand]
it_mw = { 2028 = 100, 2030 = 250.5 }

[[sites.layers]]
source = "parks.gpkg"
buffer_m = 500

[[sites.layers]]
source = "lakes.gpkg"

[limits]
budget_musd = { 2030 = 4000 }

[report]
compare = ["dry"]

[scenario.dry.water]
withdrawal_share = 0

[scenario.big.demand]
it_mw = { 2030 = 400 }
"""


def refusal(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(InputError) as caught:
        load_config(path)
    return caught.value.findings
