import pytest

from optimizer.plan.plan import Plan
from tests.report.small import small_plan


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The small plan; not to be changed."""
    return small_plan(tmp_path_factory.mktemp("study"))
