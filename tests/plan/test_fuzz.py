"""Whatever a plan's files hold, the check answers with findings, never with a traceback."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from optimizer.plan.verify import check_plan
from tests.plan.conftest import Written
from tests.plan.tamper import UNCHECKABLE

CELLS = ["", "abc", "-1", "0", "1e400", "nan", "2031", "2032", "s1", "cd", "99999999999999999999", '"', "a,b", "\u2028"]
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 40))]
VALUES: list[Any] = [None, "", "x", [], {}, True, -1, 1e300, [1], {"a": 1}, 10**30]


@pytest.mark.parametrize("seed", SEEDS)
def test_cells_of_any_content(single: Written, tmp_path: Path, seed: int) -> None:
    folder = single.copy(tmp_path / "plan")
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 3))):
        path = draw.choice(sorted((folder / "tables").glob("*.csv")))
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        if not rows:
            continue
        action = draw.choice(("cell", "cell", "cell", "drop", "repeat", "shuffle"))
        at = draw.randrange(len(rows))
        if action == "cell":
            rows[at][draw.randrange(len(header))] = draw.choice(CELLS)
        elif action == "drop":
            del rows[at]
        elif action == "repeat":
            rows.append(rows[at])
        else:
            draw.shuffle(rows)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
    assert isinstance(check_plan(folder, single.study), list)


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", SEEDS)
def test_summaries_of_any_content(single: Written, tmp_path: Path, seed: int) -> None:
    folder = single.copy(tmp_path / "plan")
    draw = random.Random(seed)
    summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    key = draw.choice(sorted(summary))
    value = draw.choice(VALUES)
    if isinstance(summary[key], dict) and draw.random() < 0.5:
        summary[key][draw.choice(sorted(summary[key]))] = value
    elif isinstance(summary[key], list) and summary[key] and draw.random() < 0.5:
        summary[key][draw.randrange(len(summary[key]))] = value
    else:
        summary[key] = value
    (folder / "plan.json").write_text(json.dumps(summary), encoding="utf-8")
    found = check_plan(folder, single.study)
    assert found or key in ("versions", *UNCHECKABLE)
