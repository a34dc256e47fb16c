import type { Command } from '../base/command.ts'
import { controlCommand } from './control.ts'

export const open: Command = controlCommand({
  action: 'open',
  summary: 'open a breaker for a time; it probes by itself afterwards',
  details: 'If it is open already, only the time that is left changes.',
  examples: [
    "recloser open http://127.0.0.1:3000/breakers payments --for 5m --reason 'deploying'",
    'recloser open http://127.0.0.1:3000/breakers payments',
  ],
  options: {
    for: {
      type: 'string',
      value: 'TIME',
      help: 'how long: milliseconds, or 30s, 5m, 1h; as long as a trip would if left out',
    },
  },
})
