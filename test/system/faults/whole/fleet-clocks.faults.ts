import { BOTH } from '../support/clients.ts'
import { ClockStage, clockFaults } from '../support/clock-stage.ts'
import { setting, stories } from '../support/stories.ts'

stories(
  BOTH,
  ['open', 'closed', 'half-open', 'isolated'],
  [setting('server', () => ClockStage.start(), clockFaults)],
)
