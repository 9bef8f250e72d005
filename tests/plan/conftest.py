import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from optimizer.plan.plan import Plan, write_plan
from tests.plan.small import alone, small_plan
from tests.plan.small_case import SmallStudy, small_study


@dataclass(frozen=True)
class Written:
    """A study, its plan, and the folder it was written to, which is not to be changed."""

    study: SmallStudy
    plan: Plan
    folder: Path

    def copy(self, to: Path) -> Path:
        """Copy the folder, to be changed, to where its inputs are as far away."""
        return Path(shutil.copytree(self.folder, to))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The hand-made plan with its scenario."""
    root = tmp_path_factory.mktemp("whole")
    study = small_study(root / "study")
    plan = small_plan(study)
    return Written(study, plan, write_plan(plan, root / "plan"))


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The hand-made plan without its scenario."""
    root = tmp_path_factory.mktemp("single")
    study = small_study(root / "study")
    study, plan = alone(study, small_plan(study))
    return Written(study, plan, write_plan(plan, root / "plan"))
