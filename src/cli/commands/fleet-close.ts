import type { Command } from '../base/command.ts'
import { steerCommand } from '../fleet/steer.ts'

export const fleetClose: Command = steerCommand({
  word: 'close',
  summary: 'close a breaker on all processes: calls pass again',
  details: 'Counts and escalation begin anew.',
  examples: ['recloser fleet close payments --redis redis://127.0.0.1:6379 --reason fixed'],
  steering: () => ({ to: 'closed' }),
})
