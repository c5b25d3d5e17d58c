import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.tools.TopicCommand;

/**
 * Runs Kafka's command line tools, many in one JVM, because a JVM of its own for each costs more than the tool does.
 *
 * A line of its input is a command: number, class, standard input and arguments, in Base64, parted by tabs. When the
 * command has ended a line of its output says: number, exit status, standard output, standard error. Commands run at
 * the same time; what a thread prints belongs to the command that started it. Exit is what Kafka's own tests catch too:
 * every tool leaves through it, and leaves its shutdown hooks there. At the end of its input this JVM halts.
 */
public final class Tools {
    /**
     * A command that runs. A tool may catch what its exit throws, print it and exit again, which it could not do if it
     * had ended: its first exit status counts, and what follows is not printed.
     */
    private static final class Command {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final List<Runnable> hooks = new CopyOnWriteArrayList<>();
        InputStream in;
        Integer status;
        volatile boolean exited;

        synchronized void exit(int code) {
            if (status == null) status = code;
            exited = true;
        }
    }

    private static final class Exited extends RuntimeException {
        Exited() {
            super(null, null, false, false);
        }
    }

    private static final InheritableThreadLocal<Command> running = new InheritableThreadLocal<>();

    private interface Choice {
        ByteArrayOutputStream of(Command c);
    }

    /** Loads the tools anew for each command, because some count in static fields. */
    private static final class Fresh extends URLClassLoader {
        Fresh() {
            super(new URL[] {TopicCommand.class.getProtectionDomain().getCodeSource().getLocation()});
        }

        @Override protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (findResource(name.replace('.', '/') + ".class") == null) return super.loadClass(name, resolve);
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                return known == null ? findClass(name) : known;
            }
        }
    }

    /** What threads of no command print goes to the JVM's standard error. */
    private static PrintStream split(Choice choice, PrintStream otherwise) {
        return new PrintStream(new OutputStream() {
            @Override public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override public void write(byte[] b, int at, int size) {
                Command c = running.get();
                if (c == null) otherwise.write(b, at, size);
                else if (!c.exited) choice.of(c).write(b, at, size);
            }
        }, true, StandardCharsets.UTF_8);
    }

    private static final InputStream input = new InputStream() {
        @Override public int read() throws IOException {
            return running.get().in.read();
        }

        @Override public int read(byte[] b, int at, int size) throws IOException {
            return running.get().in.read(b, at, size);
        }

        @Override public int available() throws IOException {
            return running.get().in.available();
        }
    };

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static void run(Command c, String name, String[] args) {
        running.set(c);
        ClassLoader loader = new Fresh();
        Thread.currentThread().setContextClassLoader(loader);
        try {
            loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof Exited)) {
                System.err.println("Exception in thread \"main\" " + e.getCause());
                c.exit(1);
            }
        } catch (ReflectiveOperationException e) {
            System.err.println(e);
            c.exit(127);
        }
        c.exit(0);
        c.exited = false;
        for (Runnable hook : c.hooks) hook.run();
    }

    public static void main(String[] unused) throws IOException {
        PrintStream answers = System.out;
        PrintStream log = System.err;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        System.setOut(split(c -> c.out, log));
        System.setErr(split(c -> c.err, log));
        System.setIn(input);
        Exit.Procedure exit = (code, message) -> {
            Command c = running.get();
            if (c != null) c.exit(code);
            throw new Exited();
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        Exit.setShutdownHookAdder((name, hook) -> {
            if (running.get() != null) running.get().hooks.add(hook);
        });
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] fields = line.split("\t", -1);
            Command c = new Command();
            c.in = new ByteArrayInputStream(Base64.getDecoder().decode(fields[2]));
            String[] args = Arrays.stream(fields, 3, fields.length).map(Tools::text).toArray(String[]::new);
            new Thread(() -> {
                run(c, text(fields[1]), args);
                Base64.Encoder base64 = Base64.getEncoder();
                String answer = fields[0] + "\t" + c.status + "\t" + base64.encodeToString(c.out.toByteArray()) + "\t"
                    + base64.encodeToString(c.err.toByteArray());
                synchronized (answers) {
                    answers.println(answer);
                    answers.flush();
                }
            }, "command-" + fields[0]).start();
        }
        Runtime.getRuntime().halt(0);
    }
}
