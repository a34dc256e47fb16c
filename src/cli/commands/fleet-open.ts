import type { Command } from '../base/command.ts'
import { UsageError } from '../base/exit.ts'
import { readOpenFor, steerCommand } from '../fleet/steer.ts'

export const fleetOpen: Command = steerCommand({
  word: 'open',
  summary: 'open a breaker on all processes for a time; they probe afterwards',
  details: 'If it is open already, the time that is left begins anew.',
  examples: ['recloser fleet open payments --for 5m --redis redis://127.0.0.1:6379 --reason deploying'],
  options: {
    for: { type: 'string', value: 'TIME', help: 'how long: milliseconds, or 30s, 5m, 1h; at most 24h' },
  },
  steering: (input) => {
    const text = input.text('for')
    if (text === undefined) throw new UsageError('--for is missing: --for 30s')
    return { to: 'open', openFor: readOpenFor(text) }
  },
})
