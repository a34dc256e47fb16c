import type { Model } from './types.ts'

type Urls = Record<string, RegExp[]>

/** The URLs that all of the models load themselves; the SDK loads all others for them. */
export async function commonUrls(models: readonly Model[]): Promise<Urls> {
  const [first = {}, ...others] = await Promise.all(models.map(async ({ supportedUrls }) => supportedUrls))
  const common: Urls = {}
  for (const [type, patterns] of Object.entries(first)) {
    const kept = patterns.filter((pattern) =>
      others.every((urls) => urls[type]?.some((other) => String(other) === String(pattern))),
    )
    if (kept.length > 0) common[type] = kept
  }
  return common
}
