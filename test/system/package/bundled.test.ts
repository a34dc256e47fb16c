import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { build } from 'esbuild'
import { rolldown } from 'rolldown'
import { grouped } from '../../../scripts/build/chunks.ts'
import { entryPoints, packAndInstall, root, type Installed } from './pack.ts'

// The page is loaded by `import()`, which a bundler may emit as a separate file.
const DASHBOARD = `
  import { createDashboard } from 'recloser/dashboard'
  import { CircuitBreakerMonitor } from 'recloser/monitor'
  const dashboard = createDashboard(new CircuitBreakerMonitor())
  const answers = []
  for (const path of ['', 'page.js', 'page.css']) {
    const response = await dashboard.fetch(new Request('http://localhost/' + path))
    answers.push(response.status === 200 && (await response.text()).length > 400)
  }
  console.log(JSON.stringify(answers))`

// One module imports the package and another requires it.
const MIXED = `
  import { CircuitBreaker } from 'recloser'
  import required from './required.cjs'
  console.log(JSON.stringify(required.CircuitBreaker === CircuitBreaker))`

describe('the files of the package', () => {
  it('are put together from folders and sources that exist', () => {
    assert.deepEqual(
      grouped.filter((source) => !existsSync(join(root, 'src', source))),
      [],
    )
  })
})

describe('the package in a bundle', () => {
  let installed: Installed

  before(() => {
    installed = packAndInstall()
    writeFileSync(join(installed.project, 'dashboard.mjs'), DASHBOARD)
    writeFileSync(join(installed.project, 'mixed.mjs'), MIXED)
    writeFileSync(join(installed.project, 'required.cjs'), "module.exports = require('recloser')")
  })

  after(() => installed.remove())

  const run = (file: string): unknown =>
    JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' })) as unknown

  async function withEsbuild(file: string, platform: 'node' | 'browser'): Promise<string> {
    const outdir = join(installed.project, `esbuild-${platform}`)
    await build({
      entryPoints: [join(installed.project, file)],
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      platform,
      outdir,
      outExtension: { '.js': '.mjs' },
    })
    return join(outdir, file)
  }

  async function withRolldown(file: string): Promise<string> {
    const bundle = await rolldown({ input: join(installed.project, file), platform: 'node' })
    const dir = join(installed.project, 'rolldown')
    await bundle.write({ dir, entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
    return join(dir, file)
  }

  for (const [bundler, bundle] of [
    ['esbuild for Node', (file: string) => withEsbuild(file, 'node')],
    ['esbuild for a browser', (file: string) => withEsbuild(file, 'browser')],
    ['rolldown', withRolldown],
  ] as const) {
    it(`serves the page of the dashboard: ${bundler}`, async () => {
      assert.deepEqual(run(await bundle('dashboard.mjs')), [true, true, true])
    })

    it(`is included once, imported and required: ${bundler}`, async () => {
      assert.equal(run(await bundle('mixed.mjs')), true)
    })
  }
})

describe('an entry point', () => {
  let installed: Installed

  before(() => {
    installed = packAndInstall()
  })

  after(() => installed.remove())

  it('needs no web globals to load, since jsdom has few of them', () => {
    const files = entryPoints.map(
      ({ name }) => `./node_modules/recloser/dist/${name.split('/')[1] ?? 'index'}.cjs`,
    )
    const program = `
      const web = ['TextEncoder', 'TextDecoder', 'Request', 'Response', 'Headers', 'fetch', 'crypto', 'ReadableStream']
      const files = ${JSON.stringify(files.filter((file) => !/nestjs|opentelemetry/.test(file)))}
      for (const name of web) delete globalThis[name]
      console.log(JSON.stringify(files.map((file) => Object.keys(require(file)).length > 0)))`
    const loaded = installed.execute('main.cjs', program) as boolean[]
    assert.ok(loaded.length > 10 && loaded.every(Boolean))
  })
})
