// The driver of kafkajs. Its snappy, lz4 and zstd come as packages of their own.

'use strict'
const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = require('kafkajs')
const { Collector, Journal, records } = require('./lines')

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: (buffer) => lz4.decompressFrame(buffer),
})
const zstd = require('@mongodb-js/zstd')
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder) => zstd.compress(encoder.buffer, 3),
  decompress: (buffer) => zstd.decompress(buffer),
})

const codecs = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }
const about = `client kafkajs ${require('kafkajs/package.json').version}
codecs ${Object.keys(codecs).join(' ')}
lacks produce:null-header`

const client = (bootstrap) => new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR })

// kafkajs sends what it is given as one batch a partition, so the driver gathers batches of half a megabyte.
async function produce(bootstrap, topic, codec, file) {
  const producer = client(bootstrap).producer({
    idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  let messages = []
  let bytes = 0
  const send = async () => {
    if (messages.length) await producer.send({ topic, messages, acks: -1, compression: CompressionTypes[codecs[codec]] })
    messages = []
    bytes = 0
  }
  for (const r of records(file)) {
    const size = 100 + (r.key?.length ?? 0) + (r.value?.length ?? 0)
    if (bytes + size > 500_000) await send()
    messages.push(r)
    bytes += size
  }
  await send()
  await producer.disconnect()
}

// kafkajs reads only as a member of a group: this one has a name of its own and commits nothing.
async function consume(bootstrap, topic, count, file) {
  const collector = new Collector(file, Number(count))
  const consumer = client(bootstrap).consumer({ groupId: `alone-${process.pid}-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let got = Date.now()
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    const watch = setInterval(() => {
      if (Date.now() - got > 60_000) reject(new Error('no record for 60 s'))
    }, 1000)
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        got = Date.now()
        for (const m of batch.messages) {
          try {
            collector.take(batch.partition, m)
          } catch (e) {
            return reject(e)
          }
        }
        if (collector.left <= 0) {
          clearInterval(watch)
          resolve()
        }
      },
    })
  })
  await consumer.disconnect()
  collector.close()
}

async function group(bootstrap, topic, name, file) {
  const journal = new Journal(file)
  const consumer = client(bootstrap).consumer({ groupId: name, sessionTimeout: 10_000, heartbeatInterval: 500 })
  const stopped = new Promise((resolve) => process.once('SIGTERM', resolve))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 1000,
    eachBatch: async ({ batch }) => journal.take(batch.partition, batch.messages),
  })
  await stopped
  await consumer.disconnect()
}

const jobs = { about: async () => console.log(about), produce, consume, group }
const [verb, ...args] = process.argv.slice(2)
if (!jobs[verb] || args.length !== (verb === 'about' ? 0 : 4)) {
  console.error('about | produce BOOTSTRAP TOPIC CODEC FILE | consume BOOTSTRAP TOPIC COUNT FILE' +
    ' | group BOOTSTRAP TOPIC GROUP FILE')
  process.exit(2)
}
jobs[verb](...args).then(
  () => process.exit(0),
  (e) => {
    console.error(e)
    process.exit(1)
  },
)
