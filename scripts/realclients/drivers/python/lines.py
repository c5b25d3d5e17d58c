"""Records as lines, the way DRIVERS.md draws them, and what the Python drivers share of their command line."""

import signal
import sys
import time


def field(data):
    """Bytes, empty or null, as one field of a line."""
    return "-" if data is None else "x" + bytes(data).hex()


def parse(text):
    return None if text == "-" else bytes.fromhex(text[1:])


def line(key, value, headers):
    words = [field(key), field(value)]
    words += [field(name.encode()) + "=" + field(data) for name, data in headers or ()]
    return " ".join(words) + "\n"


def records(file):
    """Yields (key, value, headers) of each line of a corpus."""
    with open(file, encoding="ascii") as f:
        for text in f:
            key, value, *headers = text.split()
            pairs = (h.split("=") for h in headers)
            yield parse(key), parse(value), [(parse(name).decode(), parse(data)) for name, data in pairs]


class Collector:
    """Writes what a consumer without a group reads, and holds each partition's offsets together."""

    def __init__(self, file, count):
        self.out = open(file, "w", encoding="ascii")
        self.left = count
        self.next = {}

    def take(self, partition, offset, key, value, headers):
        want = self.next.get(partition, 0)
        if offset != want:
            sys.exit(f"partition {partition}: offset {offset} where {want} was due")
        self.next[partition] = offset + 1
        self.left -= 1
        self.out.write(line(key, value, headers))

    def close(self):
        self.out.close()


class Journal:
    """What a member of a group was handed out, on disk after each batch."""

    def __init__(self, file):
        self.out = open(file, "w", encoding="ascii")
        self.at = 0

    def handed_out(self):
        self.at = time.time_ns() // 1_000_000

    def take(self, partition, offset, key, value, headers):
        self.out.write(f"{self.at} {partition} {offset} {line(key, value, headers)}")

    def flush(self):
        self.out.flush()


class Patience:
    """Ends the program when a read brings no record for a minute."""

    def __init__(self):
        self.since = time.monotonic()

    def got(self, something):
        if something:
            self.since = time.monotonic()
        elif time.monotonic() - self.since > 60:
            sys.exit("no record for 60 s")


class Stop:
    """Becomes true at SIGTERM."""

    def __init__(self):
        self.asked = False
        signal.signal(signal.SIGTERM, self.ask)

    def ask(self, *_):
        self.asked = True

    def __bool__(self):
        return self.asked


def main(about, produce, consume, group):
    verb, *args = sys.argv[1:] or [""]
    match verb, *args:
        case ["about"]:
            print(about)
        case ["produce", bootstrap, topic, codec, file]:
            produce(bootstrap, topic, codec, records(file))
        case ["consume", bootstrap, topic, count, file]:
            collector = Collector(file, int(count))
            consume(bootstrap, topic, collector)
            collector.close()
        case ["group", bootstrap, topic, name, file]:
            group(bootstrap, topic, name, Journal(file), Stop())
        case _:
            sys.exit("about | produce BOOTSTRAP TOPIC CODEC FILE | consume BOOTSTRAP TOPIC COUNT FILE"
                     " | group BOOTSTRAP TOPIC GROUP FILE")
