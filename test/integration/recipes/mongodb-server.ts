import { BSON } from 'mongodb'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** The answer to a command: a document, `'close'` to close the connection, or `'none'`. */
type Answer = Record<string, unknown> | 'close' | 'none'

/**
 * The subset of MongoDB's wire protocol that its driver needs for answers and errors: one command per message, no
 * compression.
 */
export interface MongoServer {
  readonly url: string
  /** Returns the answer to a command, which is the first key of the document. */
  answer: (command: string, document: Record<string, unknown>) => Answer
  close(): Promise<void>
}

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const HEADER = 16

const HELLO = {
  ok: 1,
  helloOk: true,
  ismaster: true,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 25,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
}

export async function startMongo(): Promise<MongoServer> {
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const length = received.readInt32LE(0)
        take(received.subarray(0, length), socket)
        received = received.subarray(length)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(tcp, 'listening')

  function take(message: Buffer, socket: Socket): void {
    const request = message.readInt32LE(4)
    const opcode = message.readInt32LE(12)
    // In the old message format, flags, a collection name and two numbers precede the document; in the new one, flags
    // and a section kind.
    const begin = opcode === OP_QUERY ? message.indexOf(0, HEADER + 4) + 9 : HEADER + 5
    const document = BSON.deserialize(message.subarray(begin, begin + message.readInt32LE(begin)))
    const command = Object.keys(document)[0] ?? ''
    const isHello = /^(hello|ismaster)$/i.test(command)
    const answer = isHello ? HELLO : server.answer(command, document)
    if (answer === 'close') return void socket.destroy()
    if (answer === 'none') return
    const body = Buffer.from(BSON.serialize(answer))
    const before = Buffer.alloc(opcode === OP_QUERY ? 20 : 5)
    if (opcode === OP_QUERY) before.writeInt32LE(1, 16)
    const header = Buffer.alloc(HEADER)
    header.writeInt32LE(HEADER + before.length + body.length, 0)
    header.writeInt32LE(request, 8)
    header.writeInt32LE(opcode === OP_QUERY ? OP_REPLY : OP_MSG, 12)
    socket.write(Buffer.concat([header, before, body]))
  }

  const server: MongoServer = {
    url: `mongodb://127.0.0.1:${(tcp.address() as AddressInfo).port}/test?directConnection=true&retryReads=false&retryWrites=false`,
    answer: () => ({ ok: 1 }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => void tcp.close(resolve))
    },
  }
  return server
}
