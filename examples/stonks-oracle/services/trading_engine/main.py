"""Turns recommendations into orders."""

from services.common.service import serve


def orders(request: dict) -> dict:
    return {
        "orders": [
            {"symbol": r["symbol"], "side": r["action"], "quantity": request["quantity"]}
            for r in request["recommendations"]
            if r["action"] in ("buy", "sell")
        ]
    }


if __name__ == "__main__":
    serve("trading-engine", orders)
