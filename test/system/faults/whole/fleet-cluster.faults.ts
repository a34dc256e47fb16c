import { BOTH } from '../support/clients.ts'
import { ClusterStage, clusterFaults } from '../support/cluster-stage.ts'
import { place, stories } from '../support/stories.ts'

stories(BOTH, ['open', 'closed'], [place('cluster', () => ClusterStage.start(), clusterFaults)])
