"""Says which broker an order would go to."""

import os

from services.common.service import serve


def route(request: dict) -> dict:
    mode = os.environ.get("BROKER_MODE", "live")
    provider = os.environ.get("BROKER_PROVIDER", "none")
    return {"broker": f"{provider}-{mode}", "order": request["order"]}


if __name__ == "__main__":
    serve("broker-adapter", route)
