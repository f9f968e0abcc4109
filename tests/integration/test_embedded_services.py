import psycopg

from tests.support.brokers import Broker


def test_each_test_gets_a_migrated_database(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM schema_migration").fetchone()
    assert row is not None
    assert row[0] > 0


def test_broker_restarts_on_its_port(broker: Broker) -> None:
    port = broker.port
    broker.kill()
    broker.start()
    assert broker.port == port
