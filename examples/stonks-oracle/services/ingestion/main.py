"""Takes in raw documents, each once."""

import hashlib

from services.common.service import serve


def ingest(request: dict) -> dict:
    seen: dict[str, str] = {}
    for document in request["documents"]:
        seen.setdefault(hashlib.sha256(document.encode()).hexdigest(), document)
    return {"documents": list(seen.values())}


if __name__ == "__main__":
    serve("ingestion", ingest)
