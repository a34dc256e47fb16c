import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { packAndInstall, type Installed } from './pack.ts'
import { installToolchains, toolchain } from './toolchains.ts'

/** The subset of @vercel/nft that this test uses. */
interface Tracer {
  nodeFileTrace(
    files: readonly string[],
    options: { readonly base: string; readonly readFile?: (path: string) => Promise<string | null> },
  ): Promise<{ readonly fileList: ReadonlySet<string> }>
}

const PROGRAMS = {
  'app.mjs': `
    import { CircuitBreaker } from 'recloser'
    import { createDashboard } from 'recloser/dashboard'
    import { CircuitBreakerMonitor } from 'recloser/monitor'`,
  'app.cjs': `
    const { CircuitBreaker } = require('recloser')
    const { createDashboard } = require('recloser/dashboard')
    const { CircuitBreakerMonitor } = require('recloser/monitor')`,
} as const

const BODY = `
  const page = new Request('http://localhost/')
  createDashboard(new CircuitBreakerMonitor()).fetch(page).then(({ status }) =>
    console.log(new CircuitBreaker().state, status))`

/** Makes a tracer ignore the condition `module-sync`, which Node tries first, by renaming it in package.json. */
async function withoutModuleSync(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return path.endsWith('package.json') ? (text?.replaceAll('"module-sync"', '"unknown"') ?? null) : text
}

describe('a deployment of only the files that a tracer finds, as with Next.js', () => {
  let installed: Installed
  let tracer: Tracer

  before(async () => {
    installToolchains()
    installed = packAndInstall()
    tracer = (await import(pathToFileURL(toolchain('@vercel/nft/out/index.js')).href)) as Tracer
  })

  after(() => installed.remove())

  for (const [file, program] of Object.entries(PROGRAMS)) {
    for (const [tracing, options] of [
      ['a tracer', {}],
      ['a tracer that does not know `module-sync`', { readFile: withoutModuleSync }],
    ] as const) {
      it(`runs ${file}, traced by ${tracing}`, async () => {
        const base = installed.project
        writeFileSync(join(base, file), program + BODY)
        const { fileList } = await tracer.nodeFileTrace([join(base, file)], { base, ...options })
        const standalone = mkdtempSync(join(tmpdir(), 'recloser-traced-'))
        try {
          for (const each of fileList) cpSync(join(base, each), join(standalone, each))
          const output = execFileSync(process.execPath, [file], { cwd: standalone, encoding: 'utf8' })
          assert.equal(output, 'closed 200\n')
        } finally {
          rmSync(standalone, { recursive: true })
        }
      })
    }
  }
})
