"""How cells are written that are no plain numbers, times or levels; one file a format, found by itself."""

from importlib import import_module
from pkgutil import iter_modules

from bayessynth.schema.formats.format import Format, Found, find, from_json, register, registered

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Format", "Found", "find", "from_json", "register", "registered"]
