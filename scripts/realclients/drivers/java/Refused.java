import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Prints what Apache's client says of what the broker does not serve, one line a feature. */
public class Refused {
    public static void main(String[] args) {
        var in = new StringDeserializer();
        var out = new StringSerializer();
        said("transactions", () -> {
            Map<String, Object> config = Map.of("bootstrap.servers", args[0], "transactional.id", "refused");
            try (var producer = new KafkaProducer<>(config, out, out)) {
                producer.initTransactions();
            }
        });
        said("group.protocol=consumer", () -> {
            Map<String, Object> config = Map.of("bootstrap.servers", args[0], "group.id", "refused",
                "group.protocol", "consumer");
            try (var consumer = new KafkaConsumer<>(config, in, in)) {
                consumer.subscribe(List.of("refused"));
                while (true) consumer.poll(Duration.ofSeconds(1));
            }
        });
        said("share groups", () -> {
            Map<String, Object> config = Map.of("bootstrap.servers", args[0], "group.id", "refused-to-share");
            try (var consumer = new KafkaShareConsumer<>(config, in, in)) {
                consumer.subscribe(List.of("refused"));
                while (true) consumer.poll(Duration.ofSeconds(1));
            }
        });
        System.exit(0);
    }

    private static void said(String feature, Runnable job) {
        try {
            job.run();
        } catch (RuntimeException e) {
            System.out.println("Apache's Java client | " + feature + " | " + e);
        }
    }
}
