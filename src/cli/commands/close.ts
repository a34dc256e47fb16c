import type { Command } from '../base/command.ts'
import { controlCommand } from './control.ts'

export const close: Command = controlCommand({
  action: 'close',
  summary: 'close a breaker: calls pass again',
  details: 'Counts and escalation begin anew.',
  examples: ["recloser close http://127.0.0.1:3000/breakers payments --reason 'fixed'"],
})
