/** One connection, or in a cluster one per node, that is used once: when it is lost, another one is opened. */
export interface RedisPort {
  /** Several servers at once: one of them may fail while the others work. */
  readonly clustered: boolean
  /** Resolves when commands can be sent. May hang: the caller has a deadline. */
  connect(): Promise<void>
  /** Sends commands in one go, each to where its key is, if it has one: the answers, in the same order. */
  send(commands: readonly RedisCommand[]): readonly Promise<unknown>[]
  /** Resolves when the server has confirmed it. Nothing else is sent then. */
  subscribe(channel: string, hear: (message: unknown) => void): Promise<void>
  /** A round trip on a connection that has subscribed; `undefined` where the client has no way to make one. */
  heartbeat(): Promise<unknown> | undefined
  /** Closes at once. Must not throw. */
  destroy(): void
}

export interface RedisCommand {
  readonly key: string | undefined
  readonly args: readonly string[]
}
