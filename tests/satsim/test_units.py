"""Sizes, conversions and how limits are named."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from satsim.units import rounded_up


@given(st.floats(1e-6, 1e9))
def test_a_lower_limit_is_named_in_six_digits_and_never_too_low(least: float) -> None:
    named, exact = Decimal(rounded_up(least)), Decimal(str(least))
    assert exact <= named <= exact * Decimal("1.00001")
    assert len(named.normalize().as_tuple().digits) <= 6


def test_a_limit_of_few_digits_is_named_as_it_is() -> None:
    assert [rounded_up(each) for each in (2.0, 0.046, 246.9134, 1e7)] == ["2", "0.046", "246.914", "10000000"]
