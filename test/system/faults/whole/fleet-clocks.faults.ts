import { BOTH } from '../support/clients.ts'
import { ClockStage, clockFaults } from '../support/clock-stage.ts'
import { place, stories } from '../support/stories.ts'

stories(
  BOTH,
  ['open', 'closed', 'half-open', 'isolated'],
  [place('server', () => ClockStage.start(), clockFaults)],
)
