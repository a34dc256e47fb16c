import type { Command } from '../base/command.ts'
import { steerCommand } from '../fleet/steer.ts'

export const fleetIsolate: Command = steerCommand({
  word: 'isolate',
  summary: 'hold a breaker open on all processes until it is closed by hand',
  details: 'Every call is rejected, whatever time passes, until `recloser fleet close` or a program does.',
  examples: [
    "recloser fleet isolate payments --redis redis://127.0.0.1:6379 --reason 'maintenance until 14:00'",
  ],
  steering: () => ({ to: 'isolated' }),
})
