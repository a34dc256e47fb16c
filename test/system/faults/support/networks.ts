import { Dependency } from './dependency.ts'
import { Fleet, type FleetSettings } from './fleet.ts'
import { MortalServer } from './mortal-server.ts'
import { Proxy } from './proxy.ts'

/** A fleet whose processes each have a network of their own between them and their server. */
export interface Networked {
  readonly fleet: Fleet
  readonly server: MortalServer
  /** The network of each process. */
  readonly networks: readonly Proxy[]
  readonly dependency: Dependency
}

/** Starts such a fleet, runs the work, and ends everything: `MemberProcess.end` lists what no process may have seen. */
export async function withNetworks(
  size: number,
  { each, ...settings }: Omit<FleetSettings, 'store'>,
  work: (all: Networked) => Promise<void>,
): Promise<void> {
  const server = await MortalServer.start()
  const dependency = await Dependency.start()
  const networks = await Promise.all(Array.from({ length: size }, () => Proxy.to(server.port)))
  try {
    const fleet = await Fleet.start(size, {
      store: { url: server.url },
      dependency: dependency.url,
      ...settings,
      each: (index) => ({ store: { url: networks[index]!.url }, ...each?.(index) }),
    })
    try {
      await work({ fleet, server, networks, dependency })
    } catch (error) {
      // How they would end is not what went wrong.
      await Promise.all(fleet.living.map((member) => member.kill()))
      throw error
    }
    await fleet.end()
  } finally {
    await Promise.all(networks.map((network) => network.close()))
    await server.end()
    await dependency.close()
  }
}
