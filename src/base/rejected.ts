/**
 * What the handler of a promise returns to reject it. Throwing the error does the same, but costs engines several times
 * as much.
 */
export class Rejected {
  declare readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }

  // oxlint-disable-next-line unicorn/no-thenable -- promises call it
  then(_: unknown, reject: (error: unknown) => void): void {
    reject(this.error)
  }
}
