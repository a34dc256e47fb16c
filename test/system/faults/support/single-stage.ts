import type { Store } from './member-messages.ts'
import { MortalServer } from './mortal-server.ts'
import { Proxy } from './proxy.ts'
import type { Launch } from './redis-server.ts'
import type { Stage } from './stage.ts'

/** One server, optionally behind a network whose faults happen between the processes and the store. */
export class SingleStage implements Stage {
  readonly server: MortalServer
  readonly proxy: Proxy
  readonly store: Store

  private constructor(server: MortalServer, proxy: Proxy, url: string) {
    this.server = server
    this.proxy = proxy
    this.store = { url }
  }

  static async start(way: 'direct' | 'network', how?: Launch): Promise<SingleStage> {
    const server = await MortalServer.start(how)
    const proxy = await Proxy.to(server.port)
    return new SingleStage(server, proxy, way === 'network' ? proxy.url : server.url)
  }

  async end(): Promise<void> {
    await this.proxy.close()
    await this.server.end()
  }
}
