import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach } from 'node:test'
import type express from 'express'
import { expressBreakers } from '../../../src/integrations/server/express.ts'
import { serve as serveHttp } from '../../helpers/server.ts'
import { delay } from './breakers.ts'
import { bigParts, Excluded, inner, pause, ROUTES, type WebApp, type WebAppOptions } from './web.ts'

interface Served {
  readonly origin: string
  readonly close: () => Promise<void>
}

const all: Served[] = []

export async function serve(app: express.Express): Promise<Served> {
  const { url, stop } = await serveHttp(app)
  const served = { origin: url.slice(0, -1), close: stop }
  all.push(served)
  return served
}

afterEach(() => Promise.all(all.splice(0).map(({ close }) => close())))

function* failingParts(): Generator<string> {
  yield 'first, '
  throw new Error('the source failed')
}

/** Express 4 does not handle rejections, so this handler passes them to `next`. */
function passRejections(handler: express.RequestHandler): express.RequestHandler {
  return async (request, response, next) => {
    try {
      await handler(request, response, next)
    } catch (error) {
      next(error)
    }
  }
}

/**
 * The app of `describeWebApp` in this Express. With `passesRejections`, rejections are passed to `next`, as Express 4
 * requires.
 */
export async function startExpress(
  create: typeof express,
  passesRejections: boolean,
  { handleErrors, ...options }: WebAppOptions,
): Promise<WebApp> {
  const breakers = expressBreakers(options)
  const handled: string[] = []
  const passedOn: unknown[] = []
  const app = create()
  app.set('env', 'production')
  app.use('/ops', breakers.routes)

  const handlers: Record<string, express.RequestHandler> = {
    ok: (_, response) => void response.send('fine'),
    missing: (_, response) => void response.status(404).send('no'),
    broken: (_, response) => void response.status(500).send('no'),
    throw: () => {
      throw new Error('thrown at once')
    },
    reject: async () => {
      await delay(1)
      throw new Excluded('thrown later')
    },
    absent: () => {
      throw Object.assign(new Error('absent'), { status: 404 })
    },
    stream: async (_, response) => {
      response.write('first, ')
      await pause()
      response.end('second')
    },
    cut: async (_, response) => {
      await pipeline(Readable.from(failingParts()), response)
    },
    endless: (_, response) => {
      response.write('part ')
      const timer = setInterval(() => response.write('part '), 5)
      response.on('close', () => clearInterval(timer))
    },
    hang: () => {},
    late: async (_, response) => {
      await delay(150)
      response.send('late')
    },
    big: (_, response) => pipeline(Readable.from(bigParts()), response),
    inner: () => inner.call(() => {}),
  }
  for (const [way, given] of Object.entries(handlers)) {
    const handler = passesRejections && way !== 'throw' ? passRejections(given) : given
    app.get(`/${way}`, breakers.protect('work'), (request, response, next) => {
      handled.push(way)
      return handler(request, response, next)
    })
  }
  for (let route = 1; route <= ROUTES; route++) {
    app.get(
      `/routes/${route}`,
      breakers.protect(`route ${route}`),
      (_, response) => void response.send('here'),
    )
  }
  if (handleErrors) app.use(breakers.errorHandler)
  app.use(((error, _request, _response, next) => {
    passedOn.push(error)
    next(error)
  }) satisfies express.ErrorRequestHandler)
  return { ...(await serve(app)), breakers, handled, passedOn }
}
