import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { packAndInstall, type Installed } from './pack.ts'
import { addProject, installToolchains, toolchain } from './toolchains.ts'

const run = promisify(execFile)

/** The oldest supported version, the last without `using` in its iterator types, and the three newest. */
const COMPILERS: Readonly<Record<string, string>> = {
  '5.0': 'typescript-5.0',
  '5.4': 'typescript-5.4',
  '5.9': 'typescript-5.9',
  '6.0': 'typescript',
  '7.0': 'typescript-7',
}

/** Fixtures of test/system/types: older compilers must infer the same types, and accept the same decorators. */
const fixtures = join(import.meta.dirname, '../types/fixtures')
const DECORATED = ['decorators/client.ts', 'decorators/types.ts']
const FIXTURES = [
  ...['call', 'contextual', 'generators', 'generic-code', 'realistic', 'run', 'sync', 'wrap'].map(
    (name) => `accepted/${name}.ts`,
  ),
  ...['call', 'run', 'wrap'].map((name) => `refused/${name}.ts`),
  ...DECORATED,
  'decorators-private/private.ts',
]

interface Setting {
  readonly module: string
  readonly moduleResolution: string
  readonly lib: readonly string[]
  readonly files: readonly string[]
  readonly experimentalDecorators?: boolean
}

const old = ['es2022', 'dom']
// A library's declarations must be able to name inferred types, in CommonJS and in an ES module.
const one = ['main.ts', 'emits.ts']
const both = [...one, 'together.mts', 'emits.mts']
const SETTINGS: readonly Setting[] = [
  { module: 'esnext', moduleResolution: 'bundler', lib: old, files: [...one, ...FIXTURES] },
  {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: old,
    files: DECORATED,
    experimentalDecorators: true,
  },
  {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['esnext', 'dom', 'dom.iterable'],
    files: one,
  },
  { module: 'nodenext', moduleResolution: 'nodenext', lib: old, files: both },
  // Without a `type` in package.json, `main.ts` is CommonJS.
  { module: 'node16', moduleResolution: 'node16', lib: old, files: both },
  { module: 'commonjs', moduleResolution: 'node10', lib: old, files: one },
]

/** TypeScript 7 has dropped `node10`. */
const settingsOf = (version: string): readonly Setting[] =>
  SETTINGS.filter(({ moduleResolution }) => version !== '7.0' || moduleResolution !== 'node10')

describe(
  'a TypeScript project that uses the installed package and also checks its declarations',
  { concurrency: 2 },
  () => {
    let installed: Installed
    let project = ''

    before(() => {
      installToolchains()
      installed = packAndInstall()
      project = addProject(installed.project, 'typescript')
      // `.mts` demands the comma, which Prettier removes.
      const emits = readFileSync(join(project, 'emits.ts'), 'utf8').replaceAll('<T>(', '<T,>(')
      writeFileSync(join(project, 'emits.mts'), emits)
      copyFileSync(join(fixtures, 'equal.ts'), join(project, 'equal.ts'))
      for (const fixture of FIXTURES) {
        const source = readFileSync(join(fixtures, fixture), 'utf8')
        mkdirSync(join(project, dirname(fixture)), { recursive: true })
        // Only newer compilers accept the extension of a TypeScript file in every setting.
        writeFileSync(join(project, fixture), source.replace("'../equal.ts'", "'../equal.js'"))
      }
    })

    after(() => installed.remove())

    /** The errors of the compiler. */
    async function compile(version: string, { files, ...options }: Setting): Promise<string> {
      const name = `tsconfig.${version}-${options.moduleResolution}-${options.lib[0]}.json`
      const quiet =
        version === '6.0' && options.moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {}
      const compilerOptions = {
        ...options,
        ...quiet,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        declaration: true,
        emitDeclarationOnly: true,
        outDir: `out-${version}`,
        types: [],
      }
      writeFileSync(join(project, name), JSON.stringify({ compilerOptions, files }))
      const tsc = toolchain(`${COMPILERS[version]}/bin/tsc`)
      try {
        await run(process.execPath, [tsc, '--project', name, '--pretty', 'false'], { cwd: project })
        return ''
      } catch (error) {
        const { stdout, message } = error as { stdout?: string; message: string }
        return stdout || message
      }
    }

    for (const version of Object.keys(COMPILERS)) {
      it(`T5: compiles with TypeScript ${version}, with all module and library settings`, async () => {
        for (const setting of settingsOf(version)) {
          const complaints = await compile(version, setting)
          assert.equal(complaints, '', `${setting.moduleResolution}, ${setting.lib.join()}:\n${complaints}`)
        }
      })
    }
  },
)
