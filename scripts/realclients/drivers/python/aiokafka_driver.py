"""The driver of aiokafka."""

import asyncio

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import lines

ABOUT = f"""client aiokafka {aiokafka.__version__}
codecs none gzip snappy lz4 zstd
lacks produce:null-record"""


async def produce(bootstrap, topic, codec, records):
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, enable_idempotence=True)
    async with producer:
        sent = [await producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records]
        await asyncio.gather(*sent)


async def consume(bootstrap, topic, collector):
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        partitions = await partitions_of(bootstrap, topic)
        consumer.assign([TopicPartition(topic, p) for p in partitions])
        patience = lines.Patience()
        while collector.left > 0:
            batches = await consumer.getmany(timeout_ms=1000)
            patience.got(batches)
            for batch in batches.values():
                for r in batch:
                    collector.take(r.partition, r.offset, r.key, r.value, r.headers)


async def partitions_of(bootstrap, topic):
    """A consumer knows the partitions only of topics that it has; a producer asks for any."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        return await producer.partitions_for(topic)


async def group(bootstrap, topic, name, journal, stop):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=name, auto_offset_reset="earliest", enable_auto_commit=True,
        auto_commit_interval_ms=1000, session_timeout_ms=10_000, heartbeat_interval_ms=500)
    async with consumer:
        while not stop:
            batches = await consumer.getmany(timeout_ms=200)
            journal.handed_out()
            for batch in batches.values():
                for r in batch:
                    journal.take(r.partition, r.offset, r.key, r.value, r.headers)
            journal.flush()


def run(job):
    return lambda *args: asyncio.run(job(*args))


lines.main(ABOUT, run(produce), run(consume), run(group))
