import java.io.FileReader;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Builds a producer from each file, writes a record with it, and prints what it takes the settings for, on a line. */
public class LoadProperties {
    public static void main(String[] args) throws Exception {
        for (int i = 1; i < args.length; i++) {
            Properties properties = new Properties();
            try (FileReader in = new FileReader(args[i])) {
                properties.load(in);
            }
            properties.put("key.serializer", StringSerializer.class.getName());
            properties.put("value.serializer", StringSerializer.class.getName());
            for (String key : properties.stringPropertyNames()) {
                if (!ProducerConfig.configNames().contains(key)) {
                    throw new IllegalArgumentException(args[i] + ": a producer knows no " + key);
                }
            }
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
                producer.send(new ProducerRecord<>(args[0], "by java")).get();
            }
            StringBuilder line = new StringBuilder();
            Map<String, Object> values = new TreeMap<>(new ProducerConfig(properties).values());
            for (Map.Entry<String, Object> e : values.entrySet()) {
                String value = String.valueOf(e.getValue());
                if (!value.isEmpty() && value.indexOf(' ') < 0) {
                    line.append(e.getKey()).append('=').append(value).append(' ');
                }
            }
            System.out.println(line);
        }
    }
}
