import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The driver of Apache's own client. DRIVERS.md has its command line and its files. */
public class Driver {
    private static final String USAGE = "about | produce BOOTSTRAP TOPIC CODEC FILE"
        + " | consume BOOTSTRAP TOPIC COUNT FILE | group BOOTSTRAP TOPIC GROUP FILE";

    public static void main(String[] args) throws Exception {
        switch (args.length == 0 ? "" : args[0]) {
            case "about" -> System.out.println("client apache-java " + AppInfoParser.getVersion()
                + "\ncodecs none gzip snappy lz4 zstd");
            case "produce" -> produce(args[1], args[2], args[3], Path.of(args[4]));
            case "consume" -> consume(args[1], args[2], Integer.parseInt(args[3]), Path.of(args[4]));
            case "group" -> group(args[1], args[2], args[3], Path.of(args[4]));
            default -> {
                System.err.println(USAGE);
                System.exit(2);
            }
        }
    }

    private static void produce(String bootstrap, String topic, String codec, Path file) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "compression.type", codec, "acks", "all");
        var serializer = new ByteArraySerializer();
        List<Future<?>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(config, serializer, serializer);
                var lines = Files.lines(file, StandardCharsets.US_ASCII)) {
            lines.forEach(line -> sent.add(producer.send(parse(topic, line))));
        }
        for (Future<?> future : sent) {
            future.get(); // throws what the broker answered
        }
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(more);
        config.put("bootstrap.servers", bootstrap);
        config.put("auto.offset.reset", "earliest");
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static void consume(String bootstrap, String topic, int count, Path file) throws IOException {
        try (var consumer = consumer(bootstrap, Map.of("enable.auto.commit", false));
                var out = Files.newBufferedWriter(file, StandardCharsets.US_ASCII)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(p -> new TopicPartition(topic, p.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<Integer, Long> next = new HashMap<>();
            long got = System.nanoTime();
            for (int left = count; left > 0; ) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofSeconds(1));
                if (!records.isEmpty()) {
                    got = System.nanoTime();
                } else if (System.nanoTime() - got > 60_000_000_000L) {
                    throw new IllegalStateException("no record for 60 s");
                }
                for (ConsumerRecord<byte[], byte[]> r : records) {
                    long want = next.getOrDefault(r.partition(), 0L);
                    if (r.offset() != want) {
                        throw new IllegalStateException(
                            "partition " + r.partition() + ": offset " + r.offset() + " where " + want + " was due");
                    }
                    next.put(r.partition(), want + 1);
                    out.write(line(r));
                }
                left -= records.count();
            }
        }
    }

    private static void group(String bootstrap, String topic, String group, Path file) throws Exception {
        var consumer = consumer(bootstrap, Map.of("group.id", group, "enable.auto.commit", true,
            "auto.commit.interval.ms", 1000, "session.timeout.ms", 10_000, "heartbeat.interval.ms", 500));
        Thread reader = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                reader.join();
            } catch (InterruptedException e) {
                reader.interrupt();
            }
            // SIGTERM would make it 143.
            Runtime.getRuntime().halt(left ? 0 : 1);
        }));
        try (consumer; var out = Files.newBufferedWriter(file, StandardCharsets.US_ASCII)) {
            consumer.subscribe(List.of(topic));
            while (true) {
                keep(out, consumer.poll(Duration.ofMillis(200)));
            }
        } catch (WakeupException e) {
            left = true; // asked to stop; the consumer has committed and left on its way here
        }
    }

    private static volatile boolean left;

    private static void keep(BufferedWriter out, ConsumerRecords<byte[], byte[]> records) throws IOException {
        long at = System.currentTimeMillis();
        for (ConsumerRecord<byte[], byte[]> r : records) {
            out.write(at + " " + r.partition() + " " + r.offset() + " " + line(r));
        }
        out.flush();
    }

    private static ProducerRecord<byte[], byte[]> parse(String topic, String line) {
        String[] words = line.split(" ");
        var record = new ProducerRecord<>(topic, bytes(words[0]), bytes(words[1]));
        for (int i = 2; i < words.length; i++) {
            String[] header = words[i].split("=");
            record.headers().add(new String(bytes(header[0]), StandardCharsets.UTF_8), bytes(header[1]));
        }
        return record;
    }

    private static byte[] bytes(String field) {
        return field.equals("-") ? null : HexFormat.of().parseHex(field.substring(1));
    }

    private static String line(ConsumerRecord<byte[], byte[]> r) {
        var line = new StringBuilder(field(r.key())).append(' ').append(field(r.value()));
        for (Header h : r.headers()) {
            line.append(' ').append(field(h.key().getBytes(StandardCharsets.UTF_8))).append('=').append(field(h.value()));
        }
        return line.append('\n').toString();
    }

    private static String field(byte[] data) {
        return data == null ? "-" : "x" + HexFormat.of().formatHex(data);
    }
}
