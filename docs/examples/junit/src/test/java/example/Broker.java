package example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A broker for tests. It needs nothing but the program tailrace: on the path, or where TAILRACE says. */
final class Broker implements AutoCloseable {
    private final Path directory;
    private final Path ready;
    private final Process process;

    Broker() throws IOException, InterruptedException {
        directory = Files.createTempDirectory("broker");
        ready = directory.resolve("ready");
        process = new ProcessBuilder(
                System.getenv().getOrDefault("TAILRACE", "tailrace"),
                "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ready-file", ready.toString())
                .inheritIO()
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy)); // if nobody gets to close it
        while (!Files.exists(ready)) {
            if (!process.isAlive()) {
                throw new IOException("the broker ended with code " + process.exitValue());
            }
            Thread.sleep(10);
        }
    }

    /** The value of bootstrap.servers. */
    String address() throws IOException {
        return Files.readString(ready).strip();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy(); // it removes its data, and ends
        process.waitFor();
        Files.delete(ready);
        Files.delete(directory);
    }
}
