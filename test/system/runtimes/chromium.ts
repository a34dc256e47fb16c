import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { CHROMIUM } from '../../helpers/chromium.ts'
import { bundle } from './bundle.ts'
import { requireEngine } from './engines.ts'
import { root } from './portable.ts'
import { answerSmoke } from './real-server.ts'
import { summarize, type Runtime, type RuntimeResult, type SmokeReport } from './result.ts'

/** The subset of playwright-core that this module uses; it is not one of the project's own dependencies. */
interface PlaywrightModule {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<{
      version(): string
      newPage(): Promise<{
        goto(url: string): Promise<unknown>
        waitForFunction(expression: string, argument?: unknown, options?: object): Promise<unknown>
        evaluate(expression: string): Promise<unknown>
      }>
      close(): Promise<void>
    }>
  }
}

// No bundler: the page loads the files in dist directly.
const PAGE = `<!doctype html>
<script type="importmap">
  { "imports": { "recloser": "/dist/index.js", "recloser/fetch": "/dist/fetch.js" } }
</script>
<script>addEventListener('error', (event) => (globalThis.report ??= { 'the page loads': event.message }))</script>
<script type="module">
  import { smoke } from '/smoke.js'
  globalThis.report = await smoke(location.origin)
</script>`

/** Smoke-tests the built package in a browser. */
export const onChromium: Runtime = {
  name: 'Chromium',
  kind: 'smoke',
  async run(): Promise<RuntimeResult> {
    const { chromium } = requireEngine<PlaywrightModule>('playwright-core')
    const browser = await chromium.launch(CHROMIUM)
    const server = await serve(await bundle('smoke.ts', 'outside'))
    try {
      const page = await browser.newPage()
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
      await page.waitForFunction('globalThis.report', undefined, { timeout: 20_000 })
      return summarize(browser.version(), (await page.evaluate('globalThis.report')) as SmokeReport)
    } finally {
      await browser.close()
      server.close()
    }
  },
}

function serve(smoke: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (answerSmoke(request, response)) return undefined
    if (path === '/') return response.setHeader('content-type', 'text/html').end(PAGE)
    response.setHeader('content-type', 'text/javascript')
    if (path === '/smoke.js') return response.end(smoke)
    const file = join(root, path)
    if (/^\/dist\/[\w/-]+\.js$/.test(path) && existsSync(file)) return response.end(readFileSync(file))
    return response.writeHead(404).end()
  })
  return new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server)))
}
