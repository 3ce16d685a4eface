"""Names of parameters in a posterior.

Column ``y``: ``y_Intercept``, ``y_<term>``, ``y_1|site``, ``y_1|site_sd``, ``y_site_corr``, ``y_sigma``,
``y_sigma_<term>``. A slash cannot stand in an xarray DataTree's names; a division slash (U+2215) stands for it.
"""

from __future__ import annotations


def safe(name: str) -> str:
    """Return a name as the posterior holds it.

    >>> safe("y_I(a / b)")
    'y_I(a ∕ b)'
    """
    return name.replace("/", "∕")


# Dims that a posterior has of its own; a grouping factor of such a name gets an underscore.
_RESERVED = frozenset({"chain", "draw", "row", "sample", "component"})


def dim(name: str) -> str:
    """Return the posterior's name of a dim: that of the factor or term, unless it is taken.

    >>> dim("site"), dim("sample")
    ('site', 'sample_')
    """
    return safe(f"{name}_" if name in _RESERVED else name).replace(",", "‚")  # nutpie splits dims at commas


def shown(name: str) -> str:
    """Return a name as it is shown to people.

    >>> shown(safe("y_I(a / b)"))
    'y_I(a / b)'
    """
    return name.replace("∕", "/")
