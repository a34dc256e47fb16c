/**
 * Classifiers that tell which errors mean an unhealthy dependency: one function per client library, for
 * `classifyError`, and one for HTTP statuses.
 *
 * @module
 */

export { classifyAwsError } from './aws.ts'
export { classifyBullMQError } from './bullmq.ts'
export { classifyConnectError } from './connect.ts'
export { classifyGrpcError } from './grpc.ts'
export { classifyHttpStatus } from './http-status.ts'
export { classifyMongoError } from './mongodb.ts'
export { classifyNetworkError } from './network.ts'
export { classifyPgError } from './pg.ts'
export { classifyPrismaError } from './prisma.ts'
export { classifyRedisError } from './redis.ts'
