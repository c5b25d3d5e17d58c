//! Records as lines, the way DRIVERS.md draws them.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};
use rdkafka::Message;

type Outcome = Result<(), Box<dyn Error>>;

pub struct Record {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: OwnedHeaders,
}

/// The records of a corpus.
pub fn records(file: &str) -> io::Result<impl Iterator<Item = Result<Record, Box<dyn Error>>>> {
    Ok(BufReader::new(File::open(file)?).lines().map(|line| parse(&line?)))
}

fn parse(line: &str) -> Result<Record, Box<dyn Error>> {
    let mut words = line.split(' ');
    let key = bytes(words.next().ok_or("no key")?)?;
    let value = bytes(words.next().ok_or("no value")?)?;
    let mut headers = OwnedHeaders::new();
    for word in words {
        let (name, data) = word.split_once('=').ok_or("a header without =")?;
        let name = String::from_utf8(bytes(name)?.ok_or("a header without a name")?)?;
        headers = headers.insert(Header { key: &name, value: bytes(data)?.as_ref() });
    }
    Ok(Record { key, value, headers })
}

fn bytes(field: &str) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let Some(hex) = field.strip_prefix('x') else {
        return Ok(None);
    };
    let pairs = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16));
    Ok(Some(pairs.collect::<Result<_, _>>()?))
}

fn push(line: &mut String, data: Option<&[u8]>) {
    line.push(if data.is_some() { 'x' } else { '-' });
    for byte in data.unwrap_or_default() {
        write!(line, "{byte:02x}").expect("a string takes all");
    }
}

fn line(message: &BorrowedMessage) -> String {
    let mut line = String::new();
    push(&mut line, message.key());
    line.push(' ');
    push(&mut line, message.payload());
    for header in message.headers().iter().flat_map(|h| h.iter()) {
        line.push(' ');
        push(&mut line, Some(header.key.as_bytes()));
        line.push('=');
        push(&mut line, header.value);
    }
    line.push('\n');
    line
}

/// Writes what a consumer without a group reads, and holds each partition's offsets together.
pub struct Collector {
    out: BufWriter<File>,
    next: HashMap<i32, i64>,
    pub left: usize,
}

impl Collector {
    pub fn new(file: &str, count: usize) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(file)?), next: HashMap::new(), left: count })
    }

    pub fn take(&mut self, message: &BorrowedMessage) -> Outcome {
        let want = self.next.entry(message.partition()).or_insert(0);
        if message.offset() != *want {
            let (partition, got) = (message.partition(), message.offset());
            return Err(format!("partition {partition}: offset {got} where {want} was due").into());
        }
        *want += 1;
        self.left -= 1;
        Ok(self.out.write_all(line(message).as_bytes())?)
    }

    pub fn close(mut self) -> Outcome {
        Ok(self.out.flush()?)
    }
}

/// What a member of a group was handed out, each record at once.
pub struct Journal(File);

impl Journal {
    pub fn new(file: &str) -> io::Result<Self> {
        Ok(Self(File::create(file)?))
    }

    pub fn take(&mut self, message: &BorrowedMessage) -> Outcome {
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let text = format!("{at} {} {} {}", message.partition(), message.offset(), line(message));
        Ok(self.0.write_all(text.as_bytes())?)
    }
}
