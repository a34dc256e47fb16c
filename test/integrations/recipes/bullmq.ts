/** In the place of BullMQ's error of that name, which tells a worker that the job has been put back. */
export class DelayedError extends Error {
  override readonly name = 'DelayedError'
}
