"""A Python test that has a broker of its own. It needs the program tailrace and: pip install kafka-python"""

import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from kafka import KafkaConsumer, KafkaProducer


class Broker:
    """A broker for the length of a with block, or until stop()."""

    def __init__(self):
        self._dir = tempfile.TemporaryDirectory()
        ready = pathlib.Path(self._dir.name, "ready")
        program = os.environ.get("TAILRACE", "tailrace")  # where the program is, unless it is on the path
        self._process = subprocess.Popen(
            [program, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ready-file", str(ready)])
        while not ready.exists():
            if self._process.poll() is not None:
                raise RuntimeError(f"the broker ended with code {self._process.returncode}")
            time.sleep(0.01)
        self.address = ready.read_text().strip()

    def stop(self):
        self._process.terminate()  # it removes its data, and ends
        self._process.wait()
        self._dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class TestOrders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.stop)

    def test_what_is_sent_arrives(self):
        producer = KafkaProducer(bootstrap_servers=self.broker.address)
        self.addCleanup(producer.close)
        producer.send("orders", key=b"alice", value=b"2 apples").get(timeout=60)

        consumer = KafkaConsumer("orders", bootstrap_servers=self.broker.address, auto_offset_reset="earliest")
        self.addCleanup(consumer.close)
        record = next(consumer)
        self.assertEqual((record.key, record.value), (b"alice", b"2 apples"))


if __name__ == "__main__":
    unittest.main()
