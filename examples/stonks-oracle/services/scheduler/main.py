"""Decides which feeds are due."""

from services.common.service import serve


def due(request: dict) -> dict:
    now = request["now"]
    feeds = sorted(name for name, next_run in request["feeds"].items() if next_run <= now)
    return {"due": feeds}


if __name__ == "__main__":
    serve("scheduler", due)
