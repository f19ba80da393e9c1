"""Answers questions about recommendations."""

from services.common.service import serve


def query(request: dict) -> dict:
    wanted = request["symbol"]
    return {"recommendations": [r for r in request["recommendations"] if r["symbol"] == wanted]}


if __name__ == "__main__":
    serve("query-api", query)
