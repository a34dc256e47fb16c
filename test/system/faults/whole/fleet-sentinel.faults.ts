import { BOTH } from '../support/clients.ts'
import { SentinelStage, sentinelFaults } from '../support/sentinel-stage.ts'
import { place, stories } from '../support/stories.ts'

stories(
  BOTH,
  ['open', 'closed'],
  [place('store behind Sentinels', () => SentinelStage.start(), sentinelFaults)],
)
