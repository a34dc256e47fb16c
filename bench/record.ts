// `Object.keys` and `Object.fromEntries` for records whose keys the compiler knows.
// oxlint-disable typescript/no-unsafe-type-assertion -- a literal has no keys but its own

export function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[]
}

export function recordOf<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>
}
