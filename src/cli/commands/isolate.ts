import type { Command } from '../base/command.ts'
import { controlCommand } from './control.ts'

export const isolate: Command = controlCommand({
  action: 'isolate',
  summary: 'hold a breaker open until it is closed by hand',
  details: 'Every call is rejected, whatever time passes, until `recloser close` or the program does.',
  examples: [
    "recloser isolate http://127.0.0.1:3000/breakers payments --reason 'maintenance until 14:00'",
    'recloser isolate http://127.0.0.1:3000/breakers payments --json',
  ],
})
