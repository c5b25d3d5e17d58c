"""Prints what the Python clients say of what the broker does not serve, one line a feature."""

import asyncio
import sys

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from kafka import KafkaProducer


def kafka_python(bootstrap):
    KafkaProducer(bootstrap_servers=bootstrap, transactional_id="refused").init_transactions()


def aiokafka(bootstrap):
    async def start():
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="refused")
        try:
            await producer.start()
        finally:
            await producer.stop()

    asyncio.run(start())


def confluent(bootstrap):
    Producer({"bootstrap.servers": bootstrap, "transactional.id": "refused"}).init_transactions(5)


for name, job in ("kafka-python", kafka_python), ("aiokafka", aiokafka), ("librdkafka", confluent):
    try:
        job(sys.argv[1])
    except Exception as e:
        print(name, "transactions", f"{type(e).__name__} {e}", sep=" | ")
