import type { Command } from '../base/command.ts'
import { steerCommand } from '../fleet/steer.ts'

export const fleetHalfOpen: Command = steerCommand({
  word: 'half-open',
  summary: 'let probes of the fleet through now and decide by them',
  details:
    'As if the open time had passed: the next calls of all processes are probes, as many as the breaker allows, and close the circuit or open it again.',
  examples: ['recloser fleet half-open payments --redis redis://127.0.0.1:6379'],
  // An opening that is due: how many probes there are is for the breakers to say, and nobody else knows.
  steering: () => ({ to: 'open', openFor: 0 }),
})
