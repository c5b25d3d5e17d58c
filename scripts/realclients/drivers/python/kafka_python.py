"""The driver of kafka-python."""

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import lines

ABOUT = f"""client kafka-python {kafka.__version__}
codecs none gzip snappy lz4 zstd
lacks produce:null-header
lacks produce:null-record"""


def produce(bootstrap, topic, codec, records):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, acks="all")
    sent = [producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records]
    producer.flush()
    for future in sent:
        future.get(timeout=60)
    producer.close()


def consume(bootstrap, topic, collector):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    patience = lines.Patience()
    while collector.left > 0:
        batches = consumer.poll(timeout_ms=1000)
        patience.got(batches)
        for batch in batches.values():
            for r in batch:
                collector.take(r.partition, r.offset, r.key, r.value, r.headers)
    consumer.close()


def group(bootstrap, topic, name, journal, stop):
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=name, auto_offset_reset="earliest", enable_auto_commit=True,
        auto_commit_interval_ms=1000, session_timeout_ms=10_000, heartbeat_interval_ms=500)
    while not stop:
        batches = consumer.poll(timeout_ms=200)
        journal.handed_out()
        for batch in batches.values():
            for r in batch:
                journal.take(r.partition, r.offset, r.key, r.value, r.headers)
        journal.flush()
    consumer.close()


lines.main(ABOUT, produce, consume, group)
