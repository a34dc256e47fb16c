import { BOTH } from '../support/clients.ts'
import { ClusterStage, clusterFaults } from '../support/cluster-stage.ts'
import { setting, stories } from '../support/stories.ts'

stories(BOTH, ['open', 'closed'], [setting('cluster', () => ClusterStage.start(), clusterFaults)])
