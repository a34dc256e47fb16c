/**
 * Returns overrides that keep only these of a user's options and reset all others to the library's defaults: whatever a
 * user's client does to keys, replies, queues and time limits is meant for the user's commands (F27b).
 */
export const only = (options: object | undefined, kept: ReadonlySet<string>): object =>
  Object.fromEntries(
    Object.entries(options ?? {}).map(([name, value]) => [name, kept.has(name) ? value : undefined]),
  )
