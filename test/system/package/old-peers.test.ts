/** The behavior of recloser with unsupported versions of its peers. Needs the npm registry. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startRedis } from '../faults/support/redis-server.ts'
import { emptyProject, execute, pack } from './pack.ts'
import { installToolchains, toolchain } from './toolchains.ts'

type Versions = Readonly<Record<string, string>>

/** The last version of each unsupported major version. Fastify 4 is supported, but not the newest. */
const OLD = {
  '@nestjs/common': '10.4.22',
  '@nestjs/core': '10.4.22',
  '@opentelemetry/api': '1.2.0',
  ai: '4.3.19',
  axios: '0.35.0',
  fastify: '4.29.1',
  hono: '3.12.12',
  ioredis: '4.31.0',
  'prom-client': '14.2.0',
  redis: '4.7.1',
  undici: '6.29.1',
} as const satisfies Versions

/** The peer dependencies of those. */
const THEIRS: Versions = { 'reflect-metadata': '0.2.2', rxjs: '7.8.2', zod: '3.25.76' }

const MIXED: Versions = {
  axios: OLD.axios,
  fastify: '5.12.8',
  hono: OLD.hono,
  iovalkey: '0.2.2',
  redis: OLD.redis,
  undici: '8.12.4',
}

const NPM = [
  'npm',
  'install',
  '--strict-peer-deps',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
]
const PNPM = ['pnpm', 'add', '--config.strict-peer-dependencies=true', '--prefer-offline', '--ignore-scripts']

/** Installs the package with these versions into an empty project. */
function install(
  [command = '', ...args]: readonly string[],
  versions: Versions,
): { project: string; output: string } {
  const project = emptyProject()
  const { tarball } = pack(project)
  const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  const { status, stdout, stderr, error } = spawnSync(command, [...args, tarball, ...packages], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, PATH: [toolchain('.bin'), process.env['PATH']].join(delimiter) },
  })
  const output = `${stdout}${stderr}`
  assert.equal(status, 0, error?.message ?? output)
  return { project, output }
}

/** Runs one use in a program. Returns its error or its result. */
function use(project: string, imports: string, body: string): unknown {
  const program = `
    ${imports}
    const use = async () => { ${body} }
    const output = await use().catch((error) => error.name + ': ' + error.message)
    console.log(JSON.stringify(output))
    process.exit()`
  return execute(project, 'main.mjs', program)
}

interface Use {
  readonly imports: string
  readonly body: string
  readonly reported: string
}

const NODE_REDIS =
  'Expected node-redis 5 or 6 for recloser/redis, got node-redis 4 or older: npm install redis@latest'
const IOREDIS =
  'Expected ioredis 5 or 6 for recloser/redis, got ioredis 4 or older: npm install ioredis@latest'
const UNDICI =
  'Expected undici 7 or 8 for recloser/undici, got a dispatcher of undici 6 or older: npm install undici@latest'
const NEST =
  'Expected Nest 11 or 12 for recloser/nestjs, got Nest 10 or older: npm install @nestjs/common@latest @nestjs/core@latest'
const AI =
  "Expected a model of AI SDK 5, 6 or 7 for recloser/ai-sdk, got one of AI SDK 4 or older ('v1'): npm install ai@latest"

const redis = `
  import { createClient, createCluster } from 'redis'
  import { CircuitBreaker } from 'recloser'
  import { RedisStorage } from 'recloser/redis'`
const ioredis = `
  import Redis from 'ioredis'
  import { RedisStorage } from 'recloser/redis'`
const undici = `
  import { Agent, interceptors, MockAgent, request } from 'undici'
  import { breakerInterceptor } from 'recloser/undici'`
const axios = `
  import axios from 'axios'
  import { breakerAdapter } from 'recloser/axios'`
const nest = `
  import { CircuitBreakerModule } from 'recloser/nestjs'`
const hono = `
  import { Hono } from 'hono'
  import { honoBreakers } from 'recloser/hono'
  const breakers = honoBreakers()
  const app = new Hono()
  app.onError((error, c) => c.text(String(error), 500))
  app.all('/ops/*', breakers.routes)
  app.get('/work', breakers.protect('work'), (c) => c.text('fine'))`
const ai = `
  import { generateText, wrapLanguageModel } from 'ai'
  import { MockLanguageModelV1 } from 'ai/test'
  import { breakerMiddleware, fallback } from 'recloser/ai-sdk'
  const model = new MockLanguageModelV1()`
const fastify = `
  import Fastify from 'fastify'
  import { fastifyBreakers } from 'recloser/fastify'
  const breakers = fastifyBreakers({ breaker: { failMax: 2, timeoutDuration: 10_000 } })
  const app = Fastify()
  app.register(breakers.routes, { prefix: '/ops' })
  app.setErrorHandler(breakers.errorHandler)
  app.get('/work', { preHandler: breakers.protect('work') }, async (request) => {
    if (request.query.fail) throw new Error('failed')
    return 'fine'
  })
  const get = async (url) => (await app.inject(url)).statusCode`

const HONO = 'Expected Hono 4 for recloser/hono, got Hono 3 or older: npm install hono@latest'
const AXIOS = 'Expected axios 1 for recloser/axios, got axios 0: npm install axios@latest'

const USES: Readonly<Record<string, Use>> = {
  'node-redis 4, by its client': {
    imports: redis,
    body: 'new RedisStorage({ client: createClient() })',
    reported: `TypeError: ${NODE_REDIS}`,
  },
  'node-redis 4, by its Cluster': {
    imports: redis,
    body: 'new RedisStorage({ client: createCluster({ rootNodes: [] }) })',
    reported: `TypeError: ${NODE_REDIS}`,
  },
  'node-redis 4, by what a function returns': {
    imports: redis,
    body: `
      let said
      const storage = new RedisStorage({ client: () => createClient(), log: (message) => (said = message) })
      await new CircuitBreaker({ name: 'work', storage }).call(() => 'fine')
      while (said === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
      return said`,
    reported: `RedisStorage (recloser:2): the store cannot be reached, so each process decides alone: Redis cannot be reached: ${NODE_REDIS}`,
  },
  'ioredis 4, by its client': {
    imports: ioredis,
    body: 'new RedisStorage({ client: new Redis({ lazyConnect: true }) })',
    reported: `TypeError: ${IOREDIS}`,
  },
  'ioredis 4, by its Cluster': {
    imports: ioredis,
    body: "new RedisStorage({ client: new Redis.Cluster(['127.0.0.1:1'], { lazyConnect: true }) })",
    reported: `TypeError: ${IOREDIS}`,
  },
  'undici 6, at the first request': {
    imports: undici,
    body: `
      const dispatcher = new Agent().compose(breakerInterceptor())
      await request('http://127.0.0.1:1', { dispatcher })`,
    reported: `TypeError: ${UNDICI}`,
  },
  'undici 6, that would retry': {
    imports: undici,
    body: `
      const dispatcher = new Agent().compose(breakerInterceptor(), interceptors.retry())
      await request('http://127.0.0.1:1', { dispatcher })`,
    reported: `TypeError: ${UNDICI}`,
  },
  'undici 6, that would wait for ever': {
    imports: undici,
    body: `
      const agent = new MockAgent()
      agent.get('http://a.example').intercept({ path: '/' }).reply(200, 'fine')
      await request('http://a.example/', { dispatcher: agent.compose(breakerInterceptor()) })`,
    reported: `TypeError: ${UNDICI}`,
  },
  'axios 0, at the first request': {
    imports: axios,
    body: `
      const adapter = breakerAdapter(axios.defaults.adapter)
      await axios.create({ adapter }).get('http://127.0.0.1:1')`,
    reported: `TypeError: ${AXIOS}`,
  },
  'prom-client 14, by its registry': {
    imports: `
      import { Registry } from 'prom-client'
      import { CircuitBreakerMonitor } from 'recloser/monitor'
      import { prometheusMetrics } from 'recloser/prometheus'`,
    body: 'prometheusMetrics(new CircuitBreakerMonitor(), { register: new Registry() })',
    reported:
      'TypeError: Expected prom-client 15 for recloser/prometheus, got prom-client 14 or older: npm install prom-client@latest',
  },
  '@opentelemetry/api 1.2, which has no metrics': {
    imports: `
      import { CircuitBreakerMonitor } from 'recloser/monitor'
      import { opentelemetryMetrics } from 'recloser/opentelemetry'`,
    body: 'opentelemetryMetrics(new CircuitBreakerMonitor())',
    reported:
      'TypeError: Expected @opentelemetry/api 1.3 or later for recloser/opentelemetry, got one without metrics: npm install @opentelemetry/api@latest',
  },
  'Nest 10, by forRoot': {
    imports: nest,
    body: 'CircuitBreakerModule.forRoot()',
    reported: `TypeError: ${NEST}`,
  },
  'Nest 10, by forRootAsync': {
    imports: nest,
    body: 'CircuitBreakerModule.forRootAsync({ useFactory: () => ({}) })',
    reported: `TypeError: ${NEST}`,
  },
  'Nest 10, by forFeature': {
    imports: nest,
    body: "CircuitBreakerModule.forFeature(['work'])",
    reported: `TypeError: ${NEST}`,
  },
  'Hono 3, on a route that is protected': {
    imports: hono,
    body: "return (await app.request('/work')).text()",
    reported: `TypeError: ${HONO}`,
  },
  'Hono 3, on the dashboard': {
    imports: hono,
    body: "return (await app.request('/ops/')).text()",
    reported: `TypeError: ${HONO}`,
  },
  'AI SDK 4, at the first call': {
    imports: ai,
    body: `
      const guarded = wrapLanguageModel({ model, middleware: breakerMiddleware() })
      await generateText({ model: guarded, prompt: 'Hello' })`,
    reported: `TypeError: ${AI}`,
  },
  'AI SDK 4, by its model': { imports: ai, body: 'fallback([model])', reported: `TypeError: ${AI}` },
}

/** A request to a Fastify app where everything is supported. */
const FASTIFY = `
  const before = [await get('/work'), await get('/ops/'), await get('/ops/health')]
  const failing = [await get('/work?fail=1'), await get('/work?fail=1')]
  const { statusCode, headers } = await app.inject('/work')
  const { state } = breakers.registry.get('work')
  await app.close()
  return [app.version, before, failing, state, statusCode, headers['retry-after']]`
const served = (version: string): unknown => [version, [200, 200, 200], [500, 500], 'open', 503, '10']

describe('with old versions of all its peers, installed by npm', () => {
  let project: string
  let output: string
  before(() => {
    ;({ project, output } = install(NPM, { ...OLD, ...THEIRS }))
  })
  after(() => rmSync(project, { recursive: true }))

  it('installs without a message about peers', () => {
    assert.doesNotMatch(output, /ERESOLVE|peer/i)
  })

  for (const [name, { imports, body, reported: output }] of Object.entries(USES)) {
    it(`reports which version it expects: ${name}`, () => {
      assert.equal(use(project, imports, body), output)
    })
  }

  it('works with the last Fastify 4', () => {
    assert.deepEqual(use(project, fastify, FASTIFY), served(OLD.fastify))
  })

  it('the command line names the clients that it cannot use, and what to install', () => {
    const args = ['fleet', '--redis', 'redis://127.0.0.1:1']
    const options = { encoding: 'utf8', cwd: project } as const
    const { status, stderr } = spawnSync(join(project, 'node_modules/.bin/recloser'), args, options)
    assert.equal(status, 1)
    assert.match(
      stderr,
      /\(redis 4\.7\.1, ioredis 4\.31\.0 cannot be used\)\.\nIn a project: npm install redis@latest /,
    )
  })
})

describe('with old and new versions of its peers, installed by pnpm', () => {
  let project: string
  let output: string
  before(() => {
    installToolchains()
    ;({ project, output } = install(PNPM, MIXED))
  })
  after(() => rmSync(project, { recursive: true }))

  it('installs without a message about peers', () => {
    assert.doesNotMatch(output, /peer/i)
  })

  const old = /^(?:node-redis|axios|Hono)/
  for (const [name, { imports, body, reported: output }] of Object.entries(USES).filter(([what]) =>
    old.test(what),
  )) {
    it(`reports which version it expects: ${name}`, () => {
      assert.equal(use(project, imports, body), output)
    })
  }

  it('works with Fastify 5', () => {
    assert.deepEqual(use(project, fastify, FASTIFY), served('5.12.8'))
  })

  it('works with undici 8', () => {
    const body = `
      const interceptor = breakerInterceptor({ breaker: { failMax: 1 } })
      const dispatcher = new Agent().compose(interceptor)
      const codes = []
      for (let i = 0; i < 2; i++) {
        await request('http://127.0.0.1:1', { dispatcher }).catch(({ code }) => codes.push(code))
      }
      return codes`
    assert.deepEqual(use(project, undici, body), ['ECONNREFUSED', 'CIRCUIT_OPEN'])
  })

  it('works with iovalkey 0.2: processes share a breaker', async () => {
    const server = await startRedis()
    try {
      const imports = `
        import { Redis } from 'iovalkey'
        import { CircuitBreaker } from 'recloser'
        import { RedisStorage } from 'recloser/redis'
        const client = () => new Redis('${server.url}', { lazyConnect: true })
        const make = () => new CircuitBreaker({ name: 'work', storage: new RedisStorage({ client }) })`
      const body = `
        const [here, there] = [make(), make()]
        await there.call(() => 'fine')
        here.isolate()
        while (there.state !== 'isolated') await new Promise((resolve) => setTimeout(resolve, 10))
        return there.snapshot().scope`
      assert.equal(use(project, imports, body), 'fleet')
    } finally {
      await server.stop()
    }
  })
})
