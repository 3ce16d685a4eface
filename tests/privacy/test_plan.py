"""Plans: shares, noise and the rows that it takes, against the formulas."""

from __future__ import annotations

import math

import pytest

import bayessynth as bs
from bayessynth.privacy import Entry
from tests.privacy.tables import DOMAIN

SPEC = bs.Spec("x ~ 1", "y ~ x + (1 | site)", "arm ~ 1", "sex ~ arm")


@pytest.mark.parametrize(("columns", "rows"), [(5, 4_400), (10, 11_700), (20, 29_500)])
def test_rows_from_which_a_release_is_of_use(columns: int, rows: int) -> None:
    domain = bs.Domain({f"x{i}": bs.Bounds(0, 1) for i in range(columns)}, source="codebook")
    spec = bs.Spec(*(f"x{i} ~ {f'x{i - 1}' if i else 1}" for i in range(columns)))
    plan = bs.DP(1, 1e-5, domain=domain).plan(spec, n=1000)
    (served,) = plan.served
    assert served.entries == (columns + 1) * (columns + 2) // 2 and served.useful == pytest.approx(rows, rel=0.02)
    assert served.noise(served.useful) == pytest.approx(1, rel=1e-3)


def test_all_statistics_have_the_same_noise_and_shares_make_the_whole() -> None:
    ask = bs.DP(1, 1e-5, domain=DOMAIN)
    plan = ask.plan(SPEC, n=500)
    moments, table = plan.served
    assert moments.statistic == "moments of 2 columns by site" and table.statistic == "counts of sex × arm"
    assert (moments.entries, moments.groups, table.groups) == (6, 3, 1)
    squared = sum(m**2 for m in (18, 16, 16, 13, 27, 13)) / 16**2  # weights, those of sums 16
    assert moments.sd == pytest.approx(table.sd) == pytest.approx(math.sqrt((squared + 1) / (2 * plan.rho)))
    assert moments.rho == pytest.approx(squared * table.rho)
    assert plan.rho == pytest.approx(ask.ledger().total, rel=1e-11)
    assert moments.rho + table.rho <= ask.ledger().total
    assert moments.noise(500) == pytest.approx(moments.sd / (0.3 * math.sqrt(500 / 3)))
    assert table.noise(500) == pytest.approx(table.sd / math.sqrt(500 * (1 / 6) * (5 / 6)))


def test_the_table_reads_by_equation() -> None:
    plan = bs.DP(1, 1e-5, domain=DOMAIN).plan(SPEC, n=500)
    assert plan.table()["equation"].tolist() == ["x", "y", "sex", "arm"]
    text = repr(plan)
    assert "(1, 1e-05)-differential privacy of a record, added or removed" in text
    assert "AUC above 0.569" in text and "with n = 500" in text
    assert "<table" in plan._repr_html_()
    person = bs.DP(1, 1e-5, bs.Unit("person", cap=2, relation="replace_one"), DOMAIN).plan(SPEC, n=500)
    assert "of a person (column 'person', at most 2 rows each), replaced" in repr(person)
    assert person.served[0].sd > 2 * plan.served[0].sd


def test_earlier_releases_leave_less_and_no_bound_of_a_single_release_is_printed() -> None:
    ask = bs.DP(1, 1e-5, domain=DOMAIN, earlier=[Entry.earlier("counts", rho=0.02)])
    plan = ask.plan(SPEC, n=500)
    assert plan.rho == pytest.approx(bs.DP(1, 1e-5).ledger().total - 0.02) and "AUC" not in repr(plan)
