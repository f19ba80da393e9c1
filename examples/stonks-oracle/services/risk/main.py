"""Limits the size of an order."""

from services.common.service import serve


def limit(request: dict) -> dict:
    allowed = max(0, min(request["quantity"], request["limit"] - request.get("held", 0)))
    return {"quantity": allowed}


if __name__ == "__main__":
    serve("risk", limit)
