"""The map language: what a data manager writes, proved before it runs, then run fast.

``load_map`` reads, ``check_map`` finds mistakes, ``compile_map`` makes a map run over files,
``run_examples`` tests it against its own examples, ``explain_map`` says where each column goes.
"""

from mappings.language.checking import check_map
from mappings.language.compiling import CompiledMap, Run, compile_map
from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind, MapKind
from mappings.language.document import MapDocument
from mappings.language.drafting import draft_map
from mappings.language.examples import ExampleResult, flatten, run_examples
from mappings.language.explaining import Lineage, explain_map
from mappings.language.held_sheet import HeldLine, fits, held_sheet
from mappings.language.locking import lock_differences, lock_name, lock_text
from mappings.language.map_schema import map_schema
from mappings.language.outcome import Held, HoldCode, HoldReason, Mapped, Record, RunReport
from mappings.language.past import exported_at
from mappings.language.shares import Share
from mappings.language.shipped import SHIPPED, list_maps, load_map

__all__ = [
    "DICTIONARY",
    "SHIPPED",
    "CanonicalField",
    "CompiledMap",
    "ExampleResult",
    "Held",
    "HeldLine",
    "HoldCode",
    "HoldReason",
    "Kind",
    "Lineage",
    "MapDocument",
    "MapKind",
    "Mapped",
    "Record",
    "Run",
    "RunReport",
    "Share",
    "check_map",
    "compile_map",
    "draft_map",
    "explain_map",
    "exported_at",
    "fits",
    "flatten",
    "held_sheet",
    "list_maps",
    "load_map",
    "lock_differences",
    "lock_name",
    "lock_text",
    "map_schema",
    "run_examples",
]
