import { BOTH } from '../support/clients.ts'
import { SentinelStage, sentinelFaults } from '../support/sentinel-stage.ts'
import { setting, stories } from '../support/stories.ts'

stories(
  BOTH,
  ['open', 'closed'],
  [setting('store behind Sentinels', () => SentinelStage.start(), sentinelFaults)],
)
