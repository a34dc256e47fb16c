import { after, before, beforeEach } from 'node:test'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { startServer, type TestServer } from './server.ts'

export let server: TestServer
export let clock: ManualClock

/** Gives the tests of a file a server of their own, and each test a clock. */
export function useServer(): void {
  before(restart)
  after(() => server.close())
  beforeEach(() => {
    clock = withRealTimers(new ManualClock())
    server.requests.length = 0
  })
}

/** Starts a new server after the previous one was closed. */
export async function restart(): Promise<void> {
  server = await startServer()
}
