import type { Command } from '../base/command.ts'
import { controlCommand } from './control.ts'

export const halfOpen: Command = controlCommand({
  action: 'half-open',
  summary: 'let probes through now and decide by them',
  details:
    'As if the open time had passed: the next calls are probes, and close the circuit or open it again.',
  examples: ["recloser half-open http://127.0.0.1:3000/breakers payments --reason 'they say it is fixed'"],
})
