// Measures what sharing a breaker among many processes costs, on a Redis server that it starts itself.
import { startRedis } from '../../test/system/faults/support/redis-server.ts'
import { measureLoad, type Load } from './load.ts'
import { measureSpread, type Spread } from './spread.ts'

export interface FleetFigures {
  readonly load: Load
  readonly spread: Spread
}

export async function measureFleet(quick: boolean): Promise<FleetFigures> {
  const server = await startRedis()
  try {
    return { load: await measureLoad(server.url, quick), spread: await measureSpread(server.url, quick) }
  } finally {
    await server.stop()
  }
}
