"""The driver of confluent-kafka, which is librdkafka."""

import sys

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

import lines

ABOUT = f"""client confluent-kafka {confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})
codecs none gzip snappy lz4 zstd"""


def produce(bootstrap, topic, codec, records):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True})
    failed = []

    def acknowledged(error, _):
        if error is not None:
            failed.append(error)

    for key, value, headers in records:
        while True:
            try:
                producer.produce(topic, value, key, headers=headers, on_delivery=acknowledged)
                break
            except BufferError:  # the queue is full
                producer.poll(0.1)
    if left := producer.flush(120):
        sys.exit(f"{left} records are not acknowledged")
    if failed:
        sys.exit(f"{len(failed)} records failed, the first by {failed[0]}")


def read(consumer, timeout):
    """The next records; an error ends the program."""
    messages = consumer.consume(500, timeout)
    for m in messages:
        if m.error():
            raise KafkaException(m.error())
    return messages


def consume(bootstrap, topic, collector):
    # librdkafka wants a group id though none is used, and stores nothing in it.
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest"})
    partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in partitions])
    patience = lines.Patience()
    while collector.left > 0:
        messages = read(consumer, 1)
        patience.got(messages)
        for m in messages:
            collector.take(m.partition(), m.offset(), m.key(), m.value(), m.headers())
    consumer.close()


def group(bootstrap, topic, name, journal, stop):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": name, "auto.offset.reset": "earliest",
                         "enable.auto.commit": True, "auto.commit.interval.ms": 1000, "session.timeout.ms": 10_000,
                         "heartbeat.interval.ms": 500})
    consumer.subscribe([topic])
    while not stop:
        messages = read(consumer, 0.2)
        journal.handed_out()
        for m in messages:
            journal.take(m.partition(), m.offset(), m.key(), m.value(), m.headers())
        journal.flush()
    consumer.close()


lines.main(ABOUT, produce, consume, group)
