"""Splits a document into sentences."""

import re

from services.common.service import serve


def parse(request: dict) -> dict:
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+", request["document"])]
    return {"sentences": [sentence for sentence in sentences if sentence]}


if __name__ == "__main__":
    serve("parser", parse)
