"""Turns a score into a recommendation."""

from services.common.service import serve


def recommend(request: dict) -> dict:
    score = request["score"]
    return {"action": "buy" if score > 0.5 else "sell" if score < -0.5 else "hold"}


if __name__ == "__main__":
    serve("recommendation", recommend)
