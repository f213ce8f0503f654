"""A live run's plan follows what is drawn."""

from __future__ import annotations

from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.runner.live.plans import differs


def test_a_plan_is_outgrown_by_another_axis_or_clearly_other_patches_only() -> None:
    plan = Plan(3, 0, (1.0, 1.0, 1.0), (16, 32, 32))
    assert not differs(plan, Plan(3, 0, (1.0, 1.0, 1.0), (24, 40, 32)))
    assert differs(plan, Plan(3, 0, (1.0, 1.0, 1.0), (32, 32, 32)))
    assert differs(plan, Plan(3, 1, (1.0, 1.0, 1.0), (16, 32, 32)))
    assert differs(plan, Plan(3, 0, (2.0, 2.0, 2.0), (16, 32, 32)))
    assert differs(plan, Plan(2, 0, (1.0, 1.0, 1.0), (1, 32, 32)))
    assert differs(plan, Plan(3, 0, (1.0, 1.0, 1.0), (16, 32, 32), frame=30.0))
