"""The one hierarchical fit that most tests of fitting look at."""

from __future__ import annotations

import pandas as pd
import pytest

import bayessynth as bs
from tests import clinics


@pytest.fixture(scope="session")
def clinic_table() -> pd.DataFrame:
    return clinics.clinics()


@pytest.fixture(scope="session")
def clinic_fit(clinic_table: pd.DataFrame) -> bs.Fitted:
    """Four equations in two worker processes, group effects kept."""
    return clinics.spec().fit(clinic_table, cores=2, keep_groups=True, **clinics.SETTINGS)
