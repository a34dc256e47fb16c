import { bundle } from './bundle.ts'
import { requireEngine, readVersion } from './engines.ts'
import { withRealServer } from './real-server.ts'
import { summarize, type Runtime, type RuntimeResult, type SmokeReport } from './result.ts'

/** The subset of miniflare that this module uses; it is not one of the project's own dependencies. */
interface MiniflareModule {
  readonly Miniflare: new (options: {
    readonly modules: boolean
    readonly script: string
    readonly compatibilityDate: string
  }) => {
    dispatchFetch(url: string): Promise<Response>
    dispose(): Promise<void>
  }
}

/** Smoke-tests the built package in the runtime of Cloudflare Workers. */
export const onWorkerd: Runtime = {
  name: 'workerd',
  kind: 'smoke',
  async run(): Promise<RuntimeResult> {
    const version = readVersion('workerd')
    const { Miniflare } = requireEngine<MiniflareModule>('miniflare')
    const script = await bundle('worker.ts', 'inside')
    const miniflare = new Miniflare({ modules: true, script, compatibilityDate: '2026-01-01' })
    try {
      return await withRealServer(async (origin) => {
        const response = await miniflare.dispatchFetch(
          `http://localhost/?origin=${encodeURIComponent(origin)}`,
        )
        if (!response.ok) return { version, passed: 0, failed: 1, output: await response.text() }
        return summarize(version, (await response.json()) as SmokeReport)
      })
    } finally {
      await miniflare.dispose()
    }
  },
}
