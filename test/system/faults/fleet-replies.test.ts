import { survivesMistreatedReplies } from './support/neighbors.ts'

await survivesMistreatedReplies(3)
