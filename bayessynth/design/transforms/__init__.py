"""What the functions of the formula language compute, one small file each.

A transform learns its state (JSON) from a column at fit time and applies it to any rows after: the original's at
fit time, synthetic ones later. Every module here registers its transforms when the package is imported.
"""

import importlib
import pkgutil

from bayessynth.design.transforms.base import State, Transform, get, names, outward, register, rounded

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["State", "Transform", "get", "names", "outward", "register", "rounded"]
