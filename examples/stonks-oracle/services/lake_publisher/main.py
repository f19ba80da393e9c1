"""Names the partition that a record belongs to."""

from services.common.service import serve


def partition(request: dict) -> dict:
    day = request["timestamp"][:10]
    return {"path": f"symbol={request['symbol']}/day={day}"}


if __name__ == "__main__":
    serve("lake-publisher", partition)
