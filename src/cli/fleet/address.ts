import { UsageError, type Input, type OptionSpec } from '../base/command.ts'
import type { Io } from '../base/io.ts'
import { printable, quote } from '../base/text.ts'

/** A server of Redis or Valkey, and the credentials for it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  /** The number of the database. */
  readonly database: number
}

/** Where the records are. */
export interface FleetAddress {
  readonly server: RedisAddress
  /** The name of the master to ask for, if `server` is a Sentinel. */
  readonly sentinel: string | undefined
  readonly prefix: string
}

/** The options of every command that talks to the store directly. */
export const FLEET_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  redis: {
    type: 'string',
    value: 'URL',
    help: 'redis://user:password@host:port/database, rediss:// for TLS; $REDIS_URL if left out',
  },
  sentinel: {
    type: 'string',
    value: 'NAME',
    help: 'URL is the address of a Sentinel: use its master of this name',
  },
  prefix: {
    type: 'string',
    value: 'TEXT',
    help: "the storage's `prefix`; recloser if left out",
  },
}

const SCHEME = /^(?:redis|valkey)(s?):\/\//i

/**
 * Returns the address of the store that the command line or the environment names.
 *
 * @throws {UsageError} when it is missing or invalid. The message never repeats what may be a password.
 */
export function readFleetAddress(input: Input, env: Io['env']): FleetAddress {
  const text = input.text('redis') ?? env['REDIS_URL']
  if (text === undefined || text === '') {
    throw new UsageError('--redis is missing: --redis redis://host:6379, or the variable REDIS_URL')
  }
  const server = readServer(text)
  const prefix = input.text('prefix') ?? 'recloser'
  if (!/^[^{}\s\0]{1,64}$/.test(prefix)) {
    throw new UsageError(
      `Expected --prefix to have 1 to 64 characters without braces and spaces, got ${quote(prefix)}`,
    )
  }
  const sentinel = input.text('sentinel')
  if (sentinel === '') throw new UsageError("Expected --sentinel to be a master's name, got ''")
  // The variable that redis-cli reads. It keeps the password out of the list of processes.
  const password = server.password ?? (env['REDISCLI_AUTH'] || undefined)
  return { server: { ...server, password }, sentinel, prefix }
}

function readServer(text: string): RedisAddress {
  const [, secure] = SCHEME.exec(text) ?? []
  if (secure === undefined) {
    throw new UsageError(`Expected the URL to begin with redis:// or rediss://, got ${withoutSecrets(text)}`)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const { hostname = '', port = '', username = '', password = '', pathname = '' } = url ?? {}
  const [, database] = /^\/?(\d{0,9})$/.exec(pathname) ?? []
  if (!url || hostname === '' || database === undefined || url.search !== '' || url.hash !== '') {
    throw new UsageError(
      `Expected the URL to be redis://user:password@host:port/database, got ${withoutSecrets(text)} ` +
        '(what is special in a URL is written with a percent sign)',
    )
  }
  return {
    host: withoutBrackets(decode(hostname)),
    port: Number(port || 6379),
    tls: secure !== '',
    username: username === '' ? undefined : decode(username),
    password: password === '' ? undefined : decode(password),
    database: Number(database),
  }
}

/** Returns a host without the brackets of an IPv6 address. */
export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError('Expected the URL to be a URL, got one with an invalid percent sign')
  }
}

const withoutSecrets = (text: string): string => {
  const at = text.lastIndexOf('@')
  return at < 0 ? quote(text) : quote(`…${text.slice(at)}`)
}

/** Returns the URL of a server for use in messages, without the user and the password. */
export function showServer({ host, port, tls, database }: RedisAddress): string {
  const name = host.includes(':') ? `[${host}]` : host
  return printable(`redis${tls ? 's' : ''}://${name}:${port}${database === 0 ? '' : `/${database}`}`)
}
