// Prints what kafkajs says of what the broker does not serve.

'use strict'
const { Kafka, logLevel } = require('kafkajs')

async function main() {
  const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ transactionalId: 'refused', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.transaction()
}

main().catch((e) => {
  console.log(`kafkajs | transactions | ${e.name}: ${e.message}`)
  process.exit(0)
})
