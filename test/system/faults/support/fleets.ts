import { after, before, describe } from 'node:test'
import { BOTH } from './clients.ts'
import { Dependency } from './dependency.ts'
import { Fleet, type FleetSettings } from './fleet.ts'
import { MortalServer } from './mortal-server.ts'

/** A test body, given a fleet and its dependency. */
export type Work = (fleet: Fleet, dependency: Dependency) => Promise<void>

/** One server for the tests of one client, and a new fleet and dependency for each test. */
export class Fleets {
  readonly #client: string
  #server: MortalServer | undefined

  constructor(client: string) {
    this.#client = client
  }

  get server(): MortalServer {
    return this.#server!
  }

  async begin(): Promise<void> {
    this.#server = await MortalServer.start()
  }

  async end(): Promise<void> {
    await this.#server?.end()
  }

  /** Starts a fleet, runs the work, and ends it: `MemberProcess.end` lists what no process may have seen. */
  async with(size: number, settings: Partial<FleetSettings>, work: Work): Promise<void> {
    await this.server.as((admin) => admin.flushAll())
    const store = { url: this.server.url }
    const dependency = await Dependency.start()
    try {
      const fleet = await Fleet.start(size, {
        client: this.#client,
        store,
        dependency: dependency.url,
        ...settings,
      })
      try {
        await work(fleet, dependency)
      } finally {
        await fleet.end()
      }
    } finally {
      await dependency.close()
    }
  }
}

/** Defines the same tests for both clients. */
export function withBoth(define: (fleets: Fleets) => void): void {
  describe('in real processes', () => {
    for (const client of BOTH) {
      describe(`a fleet with ${client}`, () => {
        const fleets = new Fleets(client)
        before(() => fleets.begin())
        after(() => fleets.end())
        define(fleets)
      })
    }
  })
}
