"""Fits that several tests share."""

from __future__ import annotations

import pytest

import bayessynth as bs
from bayessynth.database import FittedDatabase
from tests.database import tables


@pytest.fixture(scope="session")
def clinics() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.clinics())
    return database, database.fit(copies=6, random_seed=1)


@pytest.fixture(scope="session")
def levels() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.three_levels())
    return database, database.fit(copies=4, random_seed=1)


@pytest.fixture(scope="session")
def crossed() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.crossed())
    return database, database.fit(copies=6, random_seed=1)


@pytest.fixture(scope="session")
def bank() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.bank())
    return database, database.fit(copies=4, random_seed=1)


@pytest.fixture(scope="session")
def ringed() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.ringed())
    return database, database.fit(copies=4, random_seed=1)


@pytest.fixture(scope="session")
def sites() -> tuple[bs.Database, FittedDatabase]:
    database = bs.Database(tables.sites())
    return database, database.fit(copies=3, random_seed=1)
