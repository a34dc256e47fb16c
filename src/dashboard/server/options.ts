import { check, checkFunction, positiveInteger, readOptions, type Check } from '../../base/validate.ts'

/** The options of {@link createDashboard}. */
export interface DashboardOptions {
  /**
   * Returns whether a request may control the breakers: `true`, or a text that says who sends it, such as the name of
   * the user, which the fleet then shows as the actor of the change. Anything else denies it, and so does an error. It
   * must not read the request's body.
   *
   * `context` is whatever the platform passes along with the request: Node's `IncomingMessage` (including the fields
   * that Express and Fastify add), Bun's server, Deno's `info`, or a worker's `env`. Declare its type in your function.
   *
   * @default none: the dashboard is read-only
   */
  readonly authorize?:
    ((request: Request, context: never) => boolean | string | Promise<boolean | string>) | undefined
  /**
   * The full URL path where the dashboard is mounted, such as `'/ops'`. Any other path is answered with 404.
   *
   * @default none: the dashboard works under any path
   */
  readonly path?: string | undefined
  /**
   * How many event streams may be open at the same time. Further ones are refused with 503.
   *
   * @default 100
   */
  readonly maxStreams?: number | undefined
  /**
   * How many bytes of an event stream may wait for a slow reader before the stream is dropped.
   *
   * @default 4_194_304
   */
  readonly maxBacklog?: number | undefined
}

/** The validated options, with defaults applied. */
export interface DashboardSettings {
  readonly authorize: DashboardOptions['authorize']
  /** Without a trailing slash. */
  readonly path: string | undefined
  readonly maxStreams: number
  readonly maxBacklog: number
}

const path: Check = (value, name) => {
  const isPath = typeof value === 'string' && /^\/(?!\/)[^?#\\]*$/.test(value)
  check(isPath, name, "a path that begins with a slash, such as '/ops'", value)
  return new URL(value, 'http://localhost').pathname.replace(/\/$/, '')
}

export function readDashboardOptions(options: DashboardOptions): DashboardSettings {
  const given = readOptions<DashboardOptions>(
    options,
    { authorize: checkFunction, path, maxStreams: positiveInteger, maxBacklog: positiveInteger },
    'dashboard options',
  )
  return {
    authorize: given.authorize,
    path: given.path,
    maxStreams: given.maxStreams ?? 100,
    maxBacklog: given.maxBacklog ?? 4 * 1024 * 1024,
  }
}
