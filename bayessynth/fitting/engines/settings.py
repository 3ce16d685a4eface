"""How long to sample: what every engine is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Length of sampling.

    Attributes
    ----------
    draws, tune, chains : int
        Draws kept and warm-up draws of each chain. Engines that draw independently need no warm-up.
    cores : int
        Most threads to use.
    """

    draws: int
    tune: int
    chains: int
    cores: int = 1
