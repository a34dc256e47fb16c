/** One connection, or one per node of a cluster. It is used once: when it is lost, another port replaces it. */
export interface RedisPort {
  /** Whether there are several servers, of which one may fail while the others work. */
  readonly clustered: boolean
  /** Resolves when commands can be sent. May hang, so the caller needs a deadline. */
  connect(): Promise<void>
  /** Sends commands together, each to the server that has its key. Returns their replies, in the same order. */
  send(commands: readonly RedisCommand[]): readonly Promise<unknown>[]
  /** Resolves when the server has confirmed the subscription. No command may be sent on this connection then. */
  subscribe(channel: string, onMessage: (message: unknown) => void): Promise<void>
  /** Makes a round trip on a connection that has subscribed. Returns `undefined` where the client cannot make one. */
  heartbeat(): Promise<unknown> | undefined
  /** Closes the connection at once. Must not throw. */
  destroy(): void
}

export interface RedisCommand {
  /** The key by which a cluster finds the server. */
  readonly key: string | undefined
  readonly args: readonly string[]
}
