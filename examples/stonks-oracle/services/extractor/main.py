"""Finds the symbols that a sentence mentions."""

import re

from services.common.service import serve


def extract(request: dict) -> dict:
    return {"symbols": sorted(set(re.findall(r"\$([A-Z]{1,5})\b", request["sentence"])))}


if __name__ == "__main__":
    serve("extractor", extract)
