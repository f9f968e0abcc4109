"""What tutorials show, as the lower end of `bench ingest`: paho's callback, one INSERT and one COMMIT per message.

`python -m baycast.bench.ingest_tutorial JOB` says "ready" when subscribed and "done" when it has stored `count`.
Its QoS 1 messages are acknowledged by paho itself, so what it is measured by is less than what ingest promises.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

CREATE = (
    "CREATE TABLE IF NOT EXISTS bench_tutorial (topic text, at timestamptz, seq bigint, occupied boolean)"
)
_INSERT = "INSERT INTO bench_tutorial (topic, at, seq, occupied) VALUES (%s, %s, %s, %s)"


def main() -> None:
    job = json.loads(sys.argv[1])
    stored = 0
    with psycopg.connect(job["database_url"]) as conn:
        conn.execute(CREATE)
        conn.commit()

        def on_message(client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            nonlocal stored
            body = json.loads(message.payload)
            conn.execute(_INSERT, (message.topic, body["at"], body["seq"], body["occupied"]))
            conn.commit()
            stored += 1
            if stored == job["count"]:
                print("done", flush=True)  # noqa: T201 - how we talk with our parent
                client.disconnect()

        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.on_message = on_message
        client.on_subscribe = lambda *_: print("ready", flush=True)  # noqa: T201
        client.connect("127.0.0.1", job["port"])
        client.subscribe(job["topic"], qos=1)
        client.loop_forever()


if __name__ == "__main__":
    main()
