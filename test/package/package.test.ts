import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { dirname, join, posix } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { entryPoints, manifest, packAndInstall, root, type Installed } from './pack.ts'

describe('the package, packed and installed into an empty project', () => {
  let installed: Installed

  before(() => {
    installed = packAndInstall()
  })

  after(() => installed.remove())

  it('has every entry point, by import and by require', () => {
    assert.ok(entryPoints.length > 1)
    for (const { name } of entryPoints) {
      const imported = installed.execute(
        'main.mjs',
        `import * as all from '${name}'; console.log(JSON.stringify(Object.keys(all)))`,
      ) as string[]
      const required = installed.execute(
        'main.cjs',
        `const all = require('${name}'); console.log(JSON.stringify(Object.keys(all)))`,
      ) as string[]
      const names = required.filter((key) => key !== '__esModule')
      assert.ok(imported.length > 0, `${name} exports nothing`)
      assert.deepEqual(names.toSorted(), imported.toSorted(), name)
      assert.ok(!imported.includes('default'), `${name} has a default export`)
    }
  })

  it('works there: one call through a breaker', () => {
    const program = `
      import { CircuitBreaker } from 'recloser'
      const breaker = new CircuitBreaker({ name: 'installed' })
      console.log(JSON.stringify([await breaker.call((a, b) => a + b, 1, 2), breaker.state]))`
    assert.deepEqual(installed.execute('main.mjs', program), [3, 'closed'])
  })

  it('says its version', () => {
    const program = `console.log(JSON.stringify(require('recloser/package.json').version))`
    assert.equal(installed.execute('main.cjs', program), manifest.version)
  })

  it('brings no dependency along', () => {
    assert.deepEqual(manifest.dependencies ?? {}, {})
  })

  it('contains what was built, its sources and its papers, and nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    const others = installed.files.filter(
      (file) => !/^(?:dist\/.+\.(?:js|d\.ts)(?:\.map)?|src\/.+\.ts|src\/dashboard\/page\/.+)$/.test(file),
    )
    const dashboards = ['dashboards/alerts.test.yml', 'dashboards/alerts.yml', 'dashboards/grafana.json']
    assert.deepEqual(others.toSorted(), [...papers, ...dashboards].toSorted())
  })

  it('has built exactly its sources: nothing is missing and nothing stale is left over', () => {
    const built = installed.files.filter((file) => /^dist\/.*\.js$/.test(file))
    // The page is bundled into one of the sources.
    const sources = installed.files.filter((file) => /^src\/(?!dashboard\/page\/)/.test(file))
    const expected = sources.map((file) => file.replace('src/', 'dist/').replace('.ts', '.js'))
    assert.deepEqual(built.toSorted(), expected.toSorted())
  })

  it('has a map for each file that was built, and each map leads to a source in the package', () => {
    const built = installed.files.filter((file) => /^dist\/.*\.(?:js|d\.ts)$/.test(file))
    assert.ok(built.length > 0)
    for (const file of built) {
      assert.match(
        installed.read(file),
        new RegExp(`//# sourceMappingURL=${posix.basename(file)}\\.map\\s*$`),
        file,
      )
      const map = JSON.parse(installed.read(`${file}.map`)) as { sources: string[]; sourceRoot?: string }
      assert.equal(map.sources.length, 1, file)
      for (const source of map.sources) {
        const target = posix.join(dirname(file), map.sourceRoot ?? '', source)
        assert.ok(installed.files.includes(target), `${file}.map leads to ${target}`)
      }
    }
  })

  it('is clean under publint', () => {
    assert.match(runTool('publint', 'run', installed.tarball, '--strict'), /All good!/)
  })

  it('has types that are not wrong', () => {
    // It fails if there is a problem; what it prints shows that it looked at every entry point.
    const output = runTool(
      'attw',
      installed.tarball,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-color',
    )
    for (const { name } of entryPoints)
      assert.ok(output.includes(`"${name}"`), `attw did not look at ${name}`)
  })
})

/** Runs one of the installed tools; its output is the error if it fails. */
function runTool(name: string, ...args: string[]): string {
  try {
    return execFileSync(join(root, 'node_modules/.bin', name), args, { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      message,
    } = error as { stdout?: string; stderr?: string; message: string }
    throw new Error(`${name} complains:\n${stdout}${stderr}${message}`, { cause: error })
  }
}
