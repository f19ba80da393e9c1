"""Prints what is installed in this interpreter's environment as a CycloneDX bill of materials."""

import json
import platform
import re
from importlib import metadata


def component(kind, name, version, purl):
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}


def installed():
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            # The spelling that package addresses use.
            key = re.sub(r"[-_.]+", "-", name).lower()
            found[key] = component("library", name, distribution.version, f"pkg:pypi/{key}@{distribution.version}")
    return [found[key] for key in sorted(found)]


python = platform.python_version()
print(
    json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.4",
            "version": 1,
            "components": [component("application", "python", python, f"pkg:generic/python@{python}"), *installed()],
        },
        indent=2,
    )
)
