// Records as lines, the way DRIVERS.md draws them.

'use strict'
const fs = require('fs')

const parse = (text) => (text === '-' ? null : Buffer.from(text.slice(1), 'hex'))
const field = (data) => (data === null || data === undefined ? '-' : 'x' + Buffer.from(data).toString('hex'))

// records gives each line of a corpus in the form that kafkajs takes.
function* records(file) {
  for (const line of fs.readFileSync(file, 'latin1').split('\n')) {
    if (line === '') continue
    const [key, value, ...words] = line.split(' ')
    const headers = {}
    for (const word of words) {
      const [name, data] = word.split('=')
      ;(headers[parse(name).toString()] ??= []).push(parse(data))
    }
    yield { key: parse(key), value: parse(value), headers }
  }
}

// line is one record that kafkajs has read: headers of one name are an array where there are several.
function line(m) {
  const words = [field(m.key), field(m.value)]
  for (const [name, data] of Object.entries(m.headers ?? {})) {
    for (const one of Array.isArray(data) ? data : [data]) words.push(`${field(name)}=${field(one)}`)
  }
  return words.join(' ') + '\n'
}

// Collector writes what is read without a shared group, and holds each partition's offsets together.
class Collector {
  constructor(file, count) {
    this.out = fs.openSync(file, 'w')
    this.left = count
    this.next = {}
    this.lines = []
  }

  take(partition, m) {
    const want = this.next[partition] ?? 0
    if (Number(m.offset) !== want) throw new Error(`partition ${partition}: offset ${m.offset} where ${want} was due`)
    this.next[partition] = want + 1
    this.left--
    this.lines.push(line(m))
    if (this.lines.length >= 1000) this.flush()
  }

  flush() {
    fs.writeSync(this.out, this.lines.join(''))
    this.lines = []
  }

  close() {
    this.flush()
    fs.closeSync(this.out)
  }
}

// Journal is what a member of a group was handed out, on disk after each batch.
class Journal {
  constructor(file) {
    this.out = fs.openSync(file, 'w')
  }

  take(partition, messages) {
    const at = Date.now()
    fs.writeSync(this.out, messages.map((m) => `${at} ${partition} ${m.offset} ${line(m)}`).join(''))
  }
}

module.exports = { Collector, Journal, records }
