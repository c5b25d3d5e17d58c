//! The driver of rdkafka, librdkafka in Rust's clothes. DRIVERS.md has its command line and its files.

mod lines;

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use lines::{Collector, Journal, Record};

type Outcome = Result<(), Box<dyn Error>>;

const USAGE: &str = "about | produce BOOTSTRAP TOPIC CODEC FILE | consume BOOTSTRAP TOPIC COUNT FILE \
                     | group BOOTSTRAP TOPIC GROUP FILE";

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["about"] => {
            let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
            println!("client rdkafka 0.39.0 (librdkafka {librdkafka})\ncodecs none gzip snappy lz4 zstd");
            Ok(())
        }
        ["produce", bootstrap, topic, codec, file] => produce(bootstrap, topic, codec, file),
        ["consume", bootstrap, topic, count, file] => consume(bootstrap, topic, count.parse()?, file),
        ["group", bootstrap, topic, name, file] => group(bootstrap, topic, name, file),
        _ => Err(USAGE.into()),
    }
}

/// Counts the records that were not acknowledged.
struct Failures(Arc<AtomicUsize>);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            eprintln!("{error}");
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn produce(bootstrap: &str, topic: &str, codec: &str, file: &str) -> Outcome {
    let failures = Arc::new(AtomicUsize::new(0));
    let producer: ThreadedProducer<Failures> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("compression.type", codec)
        .set("enable.idempotence", "true")
        .create_with_context(Failures(failures.clone()))?;
    for record in lines::records(file)? {
        let Record { key, value, headers } = record?;
        let mut next = BaseRecord::to(topic).headers(headers);
        next.key = key.as_deref();
        next.payload = value.as_deref();
        while let Err((error, same)) = producer.send(next) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(10));
            next = same;
        }
    }
    producer.flush(Duration::from_secs(120))?;
    match failures.load(Ordering::Relaxed) {
        0 => Ok(()),
        n => Err(format!("{n} records failed").into()),
    }
}

fn consume(bootstrap: &str, topic: &str, count: usize, file: &str) -> Outcome {
    // librdkafka wants a group id though none is used, and stores nothing in it.
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "unused")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(60))?;
    let mut from = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        from.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&from)?;
    let mut collector = Collector::new(file, count)?;
    let mut got = Instant::now();
    while collector.left > 0 {
        match consumer.poll(Duration::from_secs(1)) {
            Some(message) => {
                collector.take(&message?)?;
                got = Instant::now();
            }
            None if got.elapsed() > Duration::from_secs(60) => return Err("no record for 60 s".into()),
            None => {}
        }
    }
    collector.close()
}

fn group(bootstrap: &str, topic: &str, name: &str, file: &str) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stop.clone())?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", name)
        .set("auto.offset.reset", "earliest")
        .set("auto.commit.interval.ms", "1000")
        // While it is dropped, the consumer polls, and loses what it is handed out then: offsets that librdkafka stores
        // by itself would be committed for records that nobody has seen.
        .set("enable.auto.offset.store", "false")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "500")
        .create()?;
    consumer.subscribe(&[topic])?;
    let mut journal = Journal::new(file)?;
    while !stop.load(Ordering::Relaxed) {
        if let Some(message) = consumer.poll(Duration::from_millis(200)) {
            let message = message?;
            journal.take(&message)?;
            match consumer.store_offset_from_message(&message) {
                Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) => {} // the partition is another member's by now
                stored => stored?,
            }
        }
    }
    Ok(()) // the consumer commits and leaves when it is dropped
}
