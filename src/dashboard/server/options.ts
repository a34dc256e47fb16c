import { check, checkFunction, positiveInteger, readOptions, type Check } from '../../base/validate.ts'

/** The options of {@link createDashboard}. */
export interface DashboardOptions {
  /**
   * Whether a request may control the breakers. Without it nobody may: the dashboard is read-only. Only `true` says
   * yes, and an error says no. It must not read the request's body.
   *
   * `context` is what the platform passes beside the request: Node's `IncomingMessage` (Express's and Fastify's own
   * fields included), Bun's server, Deno's `info`, a worker's `env`. Say its type where you use it.
   */
  readonly authorize?: ((request: Request, context: never) => boolean | Promise<boolean>) | undefined
  /**
   * Where the dashboard is mounted, such as `'/ops'`, as a browser sees it. It works anywhere without; with it, any
   * other path is answered by 404.
   */
  readonly path?: string | undefined
  /** How many streams of events may be open. The next is answered by 503. Default 100. */
  readonly maxStreams?: number | undefined
  /** How many bytes of a stream may wait for its reader. A slower one is dropped. Default 4,194,304. */
  readonly maxBacklog?: number | undefined
}

/** The options with everything settled. */
export interface DashboardSettings {
  readonly authorize: DashboardOptions['authorize']
  /** Without a slash at the end. */
  readonly path: string | undefined
  readonly maxStreams: number
  readonly maxBacklog: number
}

const path: Check = (value, name) => {
  const holds = typeof value === 'string' && /^\/(?!\/)[^?#\\]*$/.test(value)
  check(holds, name, "a path that begins with a slash, such as '/ops'", value)
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
