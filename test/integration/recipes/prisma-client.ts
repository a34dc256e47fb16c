import { PrismaPg } from '@prisma/adapter-pg'
import { getPrismaClient } from '@prisma/client/runtime/client'
import prisma from '@prisma/client/package.json' with { type: 'json' }
import { Buffer } from 'node:buffer'

interface User {
  readonly id: number
  readonly email: string
}

/** The subset of Prisma's client that the tests use. */
export interface Client {
  readonly user: {
    create(args: { data: { email: string } }): Promise<User>
    findMany(args?: object): Promise<User[]>
    findFirstOrThrow(args: { where: { email: string } }): Promise<User>
  }
  $queryRawUnsafe(query: string, ...values: unknown[]): Promise<unknown>
  $executeRawUnsafe(query: string): Promise<number>
  $transaction<T>(work: (tx: Client) => Promise<T>): Promise<T>
  $extends(extension: object): Client
  $disconnect(): Promise<void>
}

const SCHEMA = `
datasource database {
  provider = "postgresql"
}
model User {
  id    Int    @id @default(autoincrement())
  email String @unique
}`

/** Creates the table of the model. */
export const TABLE = 'CREATE TABLE "User" (id serial PRIMARY KEY, email text UNIQUE NOT NULL)'

const scalar = (name: string, type: string): object => ({ name, kind: 'scalar', type })

/**
 * Creates a client of Prisma 7 for PostgreSQL. It assembles manually what `prisma generate` makes of the schema,
 * because the command line would be another 300 MB. `options` are those of `pg`.
 */
export function createClient(port: number, options: { query_timeout?: number } = {}): Client {
  const compiler = '@prisma/client/runtime/query_compiler_fast_bg.postgresql'
  const config = {
    previewFeatures: [],
    clientVersion: prisma.version,
    engineVersion: prisma.version,
    activeProvider: 'postgresql',
    inlineSchema: SCHEMA,
    runtimeDataModel: {
      models: {
        User: { fields: [scalar('id', 'Int'), scalar('email', 'String')], dbName: null, schema: null },
      },
      enums: {},
      types: {},
    },
    // A graph without nodes: no query is cached by its shape.
    parameterizationSchema: { strings: [], graph: Buffer.alloc(16).toString('base64url') },
    compilerWasm: {
      getRuntime: () => import(`${compiler}.mjs`),
      getQueryCompilerWasmModule: async () => {
        const { wasm } = (await import(`${compiler}.wasm-base64.mjs`)) as { wasm: string }
        return new WebAssembly.Module(Buffer.from(wasm, 'base64'))
      },
      importName: './query_compiler_fast_bg.js',
    },
  }
  const PrismaClient = getPrismaClient(config as unknown as Parameters<typeof getPrismaClient>[0])
  const adapter = new PrismaPg({
    host: '127.0.0.1',
    port,
    user: 'test',
    database: 'postgres',
    connectionTimeoutMillis: 1_000,
    ...options,
  })
  return new PrismaClient({ adapter }) as unknown as Client
}
