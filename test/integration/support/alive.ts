import { after, before } from 'node:test'

/** Keeps the process of a test file alive: the library's timers do not, and a mock has no socket to do it. */
export function keepAlive(): void {
  let timer: ReturnType<typeof setInterval>
  before(() => {
    timer = setInterval(() => {}, 60_000)
  })
  after(() => clearInterval(timer))
}
