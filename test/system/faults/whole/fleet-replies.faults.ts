import { survivesMistreatedReplies } from '../support/neighbors.ts'

await survivesMistreatedReplies(20, 1)
