"""Averages the scores of a symbol."""

from services.common.service import serve


def aggregate(request: dict) -> dict:
    scores = request["scores"]
    return {"score": sum(scores) / len(scores) if scores else 0.0, "count": len(scores)}


if __name__ == "__main__":
    serve("aggregation", aggregate)
