"""Knows the canonical name of a symbol."""

from services.common.service import serve


def canonical(request: dict) -> dict:
    symbol = request["symbol"].strip().upper().replace("/", ".")
    if not symbol:
        raise ValueError("a symbol is needed")
    return {"symbol": symbol}


if __name__ == "__main__":
    serve("symbol-registry", canonical)
