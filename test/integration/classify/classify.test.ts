import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  classifyAwsError,
  classifyBullMQError,
  classifyConnectError,
  classifyGrpcError,
  classifyHttpStatus,
  classifyMongoError,
  classifyNetworkError,
  classifyPgError,
  classifyPrismaError,
  classifyRedisError,
} from '../../../src/integrations/classify/index.ts'
import { CircuitBreaker, type Outcome } from '../../../src/index.ts'

type Classify = (error: unknown) => Outcome | undefined
type Case = readonly [what: string, error: unknown, outcome: Outcome | undefined]

/** An error with this name and these fields, shaped as the library creates it. */
function an(name: string, fields: object = {}, message = ''): Error {
  return Object.assign(new Error(message), { name }, fields)
}
const coded = (code: unknown, more: object = {}): Error => an('Error', { code, ...more })
const grpc = (code: number): Error => coded(code, { details: 'what the service said' })
const connect = (code: number): Error => an('ConnectError', { code, rawMessage: 'what it said', details: [] })
const aws = (name: string, httpStatusCode?: number, fault?: string): Error =>
  an(name, { $metadata: { httpStatusCode, attempts: 1 }, ...(fault && { $fault: fault }) })
const sqlstate = (code: string, message = ''): Error => an('error', { code, severity: 'ERROR' }, message)
const prisma = (code: string, meta?: unknown): Error => an('PrismaClientKnownRequestError', { code, meta })
/** With the database error as a driver adapter reports it. */
const adapted = (code: string, kind: string, originalCode?: string, originalMessage = 'no'): Error =>
  prisma(code, { driverAdapterError: { cause: { kind, originalCode, originalMessage } } })
const reply = (message: string): Error => an('ReplyError', {}, message)
class SimpleError extends Error {}
class ErrorReply extends Error {}

/** Errors that no library created. */
const foreign: Case[] = [
  ['a TypeError', new TypeError('x is not a function'), undefined],
  ['an AbortError', new DOMException('aborted', 'AbortError'), undefined],
  ['undefined', undefined, undefined],
  ['null', null, undefined],
  ['a string', 'failed', undefined],
  ['an empty object', {}, undefined],
]

const tables: Record<string, [Classify, Case[]]> = {
  classifyNetworkError: [
    classifyNetworkError,
    [
      ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'].map(
        (code): Case => [code, coded(code), 'failure'],
      ),
      ...['EPROTO', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'HPE_INVALID_CONSTANT'].map(
        (code): Case => [code, coded(code), 'failure'],
      ),
      ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_SOCKET'].map((code): Case => [
        code,
        coded(code),
        'failure',
      ]),
      ...['EMFILE', 'EADDRNOTAVAIL', 'UND_ERR_INVALID_ARG', 'UND_ERR_DESTROYED', 'ERR_INVALID_URL'].map(
        (code): Case => [code, coded(code), 'ignored'],
      ),
      ['fetch failed', an('TypeError', { cause: coded('ECONNREFUSED') }), 'failure'],
      ['fetch without sockets', an('TypeError', { cause: coded('EMFILE') }), 'ignored'],
      ['an unknown code', coded('E_SOMETHING'), undefined],
      ['ABORT_ERR', coded('ABORT_ERR'), undefined],
      [
        'a cause of its own',
        Object.assign(an('E'), {
          get cause(): unknown {
            return this
          },
        }),
        undefined,
      ],
    ],
  ],
  classifyGrpcError: [
    classifyGrpcError,
    [
      ...[2, 4, 8, 13, 14, 15].map((code): Case => [`code ${code}`, grpc(code), 'failure']),
      ...[3, 5, 6, 7, 9, 10, 11, 12, 16].map((code): Case => [`code ${code}`, grpc(code), 'success']),
      ['CANCELLED', grpc(1), 'ignored'],
      ['a code without details', coded(14), undefined],
    ],
  ],
  classifyConnectError: [
    classifyConnectError,
    [
      ...[2, 4, 8, 13, 14, 15].map((code): Case => [`code ${code}`, connect(code), 'failure']),
      ...[3, 5, 6, 7, 9, 10, 11, 12, 16].map((code): Case => [`code ${code}`, connect(code), 'success']),
      ['canceled', connect(1), 'ignored'],
      ['a number from elsewhere', coded(14), undefined],
    ],
  ],
  classifyAwsError: [
    classifyAwsError,
    [
      ['ThrottlingException, which has status 400', aws('ThrottlingException', 400, 'client'), 'failure'],
      ['throughput', aws('ProvisionedThroughputExceededException', 400, 'client'), 'failure'],
      ['SlowDown', aws('SlowDown', 503, 'server'), 'failure'],
      ['TooManyRequestsException', aws('TooManyRequestsException', 429, 'client'), 'failure'],
      ['InternalServerError', aws('InternalServerError', 500, 'server'), 'failure'],
      ['ResourceNotFoundException', aws('ResourceNotFoundException', 400, 'client'), 'success'],
      ['AccessDenied', aws('AccessDenied', 403, 'client'), 'success'],
      ['refused', Object.assign(aws('Error'), { code: 'ECONNREFUSED' }), 'failure'],
      ['TimeoutError', aws('TimeoutError'), 'failure'],
      ['an answer that breaks off', Object.assign(aws('Error', 200), { code: 'ECONNRESET' }), 'failure'],
      ['an answer that cannot be read', aws('SyntaxError', 200), 'failure'],
      ['a client fault without a status', aws('InvalidSignature', undefined, 'client'), 'success'],
      ['no credentials', an('CredentialsProviderError'), 'ignored'],
      ['the SDK`s AbortError', an('AbortError'), undefined],
    ],
  ],
  classifyPrismaError: [
    classifyPrismaError,
    [
      ['cannot connect', an('PrismaClientInitializationError', { errorCode: 'P1001' }), 'failure'],
      ['cannot start', an('PrismaClientInitializationError'), 'failure'],
      ['panic', an('PrismaClientRustPanicError'), 'failure'],
      ['connection closed', prisma('P1017'), 'failure'],
      ['pool', prisma('P2024'), 'failure'],
      ['unique constraint', prisma('P2002'), 'success'],
      ['deadlock', prisma('P2034'), 'success'],
      ['a transaction that is over', prisma('P1018'), 'success'],
      ['a raw query to a database that is gone', adapted('P2010', 'DatabaseNotReachable'), 'failure'],
      ['a raw query that is wrong', adapted('P2010', 'postgres', '42601'), 'success'],
      ['a raw query without a parameter', adapted('P2010', 'postgres', '08P01', 'bind message 1'), 'success'],
      ['a raw query, before Prisma 7', prisma('P2010', { code: '57P01', message: 'no' }), 'failure'],
      ['a raw query of which nothing is known', prisma('P2010', null), 'success'],
      ['a shutdown', adapted('P2039', 'postgres', '57P01'), 'failure'],
      ['a trigger that objects', adapted('P2039', 'postgres', 'P0001'), 'success'],
      ['a timeout of a statement', adapted('P2039', 'postgres', '57014'), 'failure'],
      ['a cancelled statement', adapted('P2039', 'postgres', '57014', 'due to user request'), 'ignored'],
      ['a code that means something else elsewhere', adapted('P2039', 'mssql', '58030'), 'success'],
      ['validation', an('PrismaClientValidationError'), 'ignored'],
      ['no code', an('PrismaClientUnknownRequestError'), undefined],
    ],
  ],
  classifyPgError: [
    classifyPgError,
    [
      ...['08006', '53300', '57P01', '57P02', '57P03', '58030', 'XX000'].map((code): Case => [
        code,
        sqlstate(code),
        'failure',
      ]),
      ...['23505', '40001', '40P01', '42601', '28P01', '22012'].map((code): Case => [
        code,
        sqlstate(code),
        'success',
      ]),
      ['timeout', sqlstate('57014', 'canceling statement due to statement timeout'), 'failure'],
      ['a canceled query', sqlstate('57014', 'canceling statement due to user request'), 'ignored'],
      ['a protocol error', sqlstate('08P01'), 'failure'],
      ['a parameter too few', coded('08P01', { severity: 'ERROR', routine: 'exec_bind_message' }), 'success'],
      ['EPIPE, which looks like a SQLSTATE', coded('EPIPE'), undefined],
      ['ECONNREFUSED', coded('ECONNREFUSED'), undefined],
    ],
  ],
  classifyRedisError: [
    classifyRedisError,
    [
      ...[
        'LOADING Redis is loading',
        'BUSY script',
        'CLUSTERDOWN down',
        'READONLY replica',
        'OOM memory',
      ].map((message): Case => [message, reply(message), 'failure']),
      ['full', reply('ERR max number of clients reached'), 'failure'],
      ['WRONGTYPE', reply('WRONGTYPE Operation against a key'), 'success'],
      ['BUSYGROUP', reply('BUSYGROUP Consumer Group name already exists'), 'success'],
      ['syntax', reply('ERR syntax error'), 'success'],
      ['retries', an('MaxRetriesPerRequestError'), 'failure'],
      ['cluster', an('ClusterAllFailedError'), 'failure'],
      ['node-redis', new SimpleError('WRONGTYPE Operation'), 'success'],
      ['node-redis, busy', new ErrorReply('LOADING Redis is loading'), 'failure'],
      ['closed', new Error('Connection is closed.'), undefined],
    ],
  ],
  classifyMongoError: [
    classifyMongoError,
    [
      ...[
        'MongoNetworkError',
        'MongoServerSelectionError',
        'MongoWaitQueueTimeoutError',
        'MongoOIDCError',
      ].map((name): Case => [name, an(name), 'failure']),
      ...[91, 189, 10107, 11600, 50].map((code): Case => [
        `code ${code}`,
        an('MongoServerError', { code, errorLabels: [] }),
        'failure',
      ]),
      [
        'overloaded',
        an('MongoServerError', { code: 462, errorLabels: ['SystemOverloadedError'] }),
        'failure',
      ],
      ['duplicate key', an('MongoServerError', { code: 11000, errorLabels: [] }), 'success'],
      ['bulk', an('MongoBulkWriteError', { code: 11000 }), 'success'],
      ['argument', an('MongoInvalidArgumentError'), 'ignored'],
      ['closed by its user', an('MongoClientClosedError'), 'ignored'],
    ],
  ],
  classifyBullMQError: [
    classifyBullMQError,
    [
      ...['DelayedError', 'RateLimitError', 'UnrecoverableError', 'WaitingChildrenError', 'WaitingError'].map(
        (name): Case => [name, an(name), 'ignored'],
      ),
      ['retries', an('MaxRetriesPerRequestError'), 'failure'],
      ['READONLY', reply('READONLY replica'), 'failure'],
      ['WRONGTYPE', reply('WRONGTYPE Operation'), 'success'],
    ],
  ],
}

for (const [name, [classify, cases]] of Object.entries(tables)) {
  describe(name, () => {
    for (const [what, error, outcome] of [...cases, ...foreign]) {
      it(`${what}: ${outcome ?? 'no opinion'}`, () => assert.equal(classify(error), outcome))
    }

    it('works as classifyError: an unclassified error is a failure', async () => {
      const breaker = new CircuitBreaker({ classifyError: classify })
      await assert.rejects(breaker.call(() => Promise.reject(new TypeError('no'))))
      assert.equal(breaker.failCounter, 1)
    })
  })
}

describe('classifyHttpStatus', () => {
  for (const status of [500, 501, 503, 529, 599, 429, 408])
    it(`${status}: failure`, () => assert.equal(classifyHttpStatus(status), 'failure'))
  for (const status of [0, 101, 200, 204, 301, 304, 400, 401, 403, 404, 409, 422, 499])
    it(`${status}: success`, () => assert.equal(classifyHttpStatus(status), 'success'))
})
