import os
import unittest
from unittest import mock

from services.aggregation.main import aggregate
from services.broker_adapter.main import route
from services.common.service import answer
from services.extractor.main import extract
from services.ingestion.main import ingest
from services.lake_publisher.main import partition
from services.parser.main import parse
from services.query_api.main import query
from services.recommendation.main import recommend
from services.risk.main import limit
from services.scheduler.main import due
from services.symbol_registry.main import canonical
from services.trading_engine.main import orders


class ServiceTest(unittest.TestCase):
    def test_health_names_the_service(self):
        self.assertEqual(
            answer("risk", limit, "/health", b""), (200, {"service": "risk", "status": "ok"})
        )

    def test_a_bad_request_is_not_a_crash(self):
        self.assertEqual(answer("risk", limit, "/run", b"{}")[0], 400)
        self.assertEqual(answer("risk", limit, "/other", b"")[0], 404)


class OperationTest(unittest.TestCase):
    def test_only_due_feeds_run(self):
        self.assertEqual(due({"now": 5, "feeds": {"b": 9, "a": 5}}), {"due": ["a"]})

    def test_symbols_have_one_spelling(self):
        self.assertEqual(canonical({"symbol": " brk/b "}), {"symbol": "BRK.B"})

    def test_a_document_is_taken_once(self):
        self.assertEqual(ingest({"documents": ["x", "y", "x"]}), {"documents": ["x", "y"]})

    def test_sentences_and_symbols_are_found(self):
        sentences = parse({"document": "Buy $ACME. Sell $XYZ!"})["sentences"]
        self.assertEqual(sentences, ["Buy $ACME.", "Sell $XYZ!"])
        self.assertEqual(extract({"sentence": sentences[0]}), {"symbols": ["ACME"]})

    def test_scores_become_orders(self):
        score = aggregate({"scores": [0.4, 0.8]})["score"]
        action = recommend({"score": score})["action"]
        found = query(
            {"symbol": "ACME", "recommendations": [{"symbol": "ACME", "action": action}]}
        )
        quantity = limit({"quantity": 10, "limit": 12, "held": 5})["quantity"]
        self.assertEqual(
            orders({**found, "quantity": quantity}),
            {"orders": [{"symbol": "ACME", "side": "buy", "quantity": 7}]},
        )

    def test_the_broker_comes_from_the_environment(self):
        with mock.patch.dict(os.environ, {"BROKER_MODE": "paper", "BROKER_PROVIDER": "alpaca"}):
            self.assertEqual(route({"order": 1})["broker"], "alpaca-paper")

    def test_records_have_a_partition(self):
        record = {"symbol": "ACME", "timestamp": "2026-01-02T03:04:05Z"}
        self.assertEqual(partition(record), {"path": "symbol=ACME/day=2026-01-02"})


if __name__ == "__main__":
    unittest.main()
