import process from 'node:process'

function fromEnvironment(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`Expected the environment variable ${name} to be an integer, got \`${text}\``)
}

const seed = fromEnvironment('RECLOSER_SEED')

/** The number of schedules that each property is tried with (`RECLOSER_RUNS`), and their seed (`RECLOSER_SEED`). */
export const parameters: { readonly numRuns: number; readonly seed?: number } = {
  numRuns: fromEnvironment('RECLOSER_RUNS') ?? 1_000,
  ...(seed !== undefined && { seed }),
}
