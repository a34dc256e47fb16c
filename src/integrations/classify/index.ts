/**
 * Which errors of a library mean that the dependency is unwell: one function per library, for `classifyError`.
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
