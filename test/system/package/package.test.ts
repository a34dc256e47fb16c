import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { readEntryPoints } from '../../../scripts/build/entry-points.ts'
import { entryPoints, manifest, packAndInstall, root, type Installed } from './pack.ts'

describe('the package, packed and installed into an empty project', () => {
  let installed: Installed

  before(() => {
    installed = packAndInstall()
  })

  after(() => installed.remove())

  it('has every entry point, by import and by require', async () => {
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
      const source = readEntryPoints().find(({ specifier }) => specifier === name)?.source ?? ''
      // None of the internals that the files of the bundle share.
      assert.deepEqual(imported.toSorted(), Object.keys(await import(pathToFileURL(source).href)).toSorted())
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

  it('reports its version', () => {
    const program = `console.log(JSON.stringify(require('recloser/package.json').version))`
    assert.equal(installed.execute('main.cjs', program), manifest.version)
  })

  it('has no dependencies', () => {
    assert.deepEqual(manifest.dependencies ?? {}, {})
  })

  it('contains the build, its documentation, license and change log, and no sources', () => {
    const others = installed.files.filter((file) => !file.startsWith('dist/'))
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    const dashboards = ['dashboards/alerts.test.yml', 'dashboards/alerts.yml', 'dashboards/grafana.json']
    // For contributors, and figures behind the advice on fleets.
    const left = new Set(['docs/rules.md', 'docs/simulation.md'])
    const docs = globSync('docs/*.md', { cwd: root }).filter((file) => !left.has(file))
    assert.ok(docs.length > 0)
    assert.deepEqual(others.toSorted(), [...papers, ...dashboards, ...docs].toSorted())
  })

  it('contains everything that its README and documentation link to, except pictures', () => {
    const pages = installed.files.filter((file) => /^(?:README|docs\/[\w-]+)\.md$/.test(file))
    const links = pages.flatMap((page) =>
      Array.from(installed.read(page).matchAll(/(?<!!)\]\((?!https?:|#)([^)#]+)/g), ([, link = '']) =>
        posix.join(posix.dirname(page), link),
      ),
    )
    assert.ok(links.length > 10)
    for (const link of links.filter((each) => !/\.(?:png|svg)$/.test(each)))
      assert.ok(installed.files.includes(link), link)
  })

  it('is small: at most 400 kB packed, in at most 120 files', () => {
    assert.ok(statSync(installed.tarball).size <= 400_000, `${statSync(installed.tarball).size} bytes`)
    assert.ok(installed.files.length <= 120, `${installed.files.length} files`)
  })

  it('contains exactly the files that its entry points and its command need, each once', () => {
    const { exports, main, types, typesVersions, bin } = manifest
    const named = JSON.stringify([exports, main, types, typesVersions, bin]).matchAll(/"\.\/(dist\/[^"]+)"/g)
    const reached = new Set(Array.from(named, ([, file = '']) => file))
    // Loaded by the demo at run time, not imported.
    reached.add('dist/cli/panel.js')
    for (const file of reached) {
      assert.ok(installed.files.includes(file), `${file} is missing`)
      for (const [, specifier = ''] of installed
        .read(file)
        .matchAll(/(?:from|import|require\()\s*\(?["`](\.[^"`]+)["`]/g)) {
        const target = posix.join(posix.dirname(file), specifier)
        const isDeclaration = /\.d\.c?ts$/.test(file)
        reached.add(isDeclaration ? target.replace(/\.(c?)js$/, '.d.$1ts') : target)
      }
    }
    const built = installed.files.filter((file) => file.startsWith('dist/'))
    assert.deepEqual([...reached].toSorted(), built.toSorted())
    assert.equal(
      built.filter((file) => installed.read(file).includes('contains preact and uplot')).length,
      1,
      'one page',
    )
  })

  it('shares one copy between `import` and `require`', () => {
    const program = `
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      const all = ${JSON.stringify(entryPoints.map(({ name }) => name))}
      const same = []
      for (const name of all) {
        const [imported, required] = [await import(name), require(name)]
        same.push(Object.keys(imported).every((key) => imported[key] === required[key]))
      }
      console.log(JSON.stringify(same))`
    assert.deepEqual(
      installed.execute('main.mjs', program),
      entryPoints.map(() => true),
    )
  })

  it('has the same exports in CommonJS as in ES modules, and works', () => {
    for (const { name } of entryPoints) {
      const file = `recloser/dist/${name.split('/')[1] ?? 'index'}.cjs`
      const program = `
        const path = require('node:path').join(__dirname, 'node_modules', '${file}')
        console.log(JSON.stringify([Object.keys(require(path)).sort(), Object.keys(require('${name}')).sort()]))`
      const [commonjs, esm] = installed.execute('main.cjs', program) as [string[], string[]]
      assert.deepEqual(
        commonjs,
        esm.filter((key) => key !== '__esModule'),
        name,
      )
    }
    const program = `
      const path = require('node:path').join(__dirname, 'node_modules/recloser/dist/index.cjs')
      const { CircuitBreaker, isCircuitBreakerError } = require(path)
      const breaker = new CircuitBreaker({ failMax: 1 })
      breaker.call(() => { throw new Error('down') }).catch(() => breaker.call(() => 1))
        .catch((error) => console.log(JSON.stringify([isCircuitBreakerError(error), breaker.state])))`
    assert.deepEqual(installed.execute('main.cjs', program), [true, 'open'])
  })

  it('resolves each entry point to one declaration and one module, under every condition', () => {
    for (const { name } of entryPoints) {
      const [, file = 'index'] = name.split('/')
      const esm = { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` }
      const commonjs = { types: `./dist/${file}.d.cts`, default: `./dist/${file}.cjs` }
      const target = manifest.exports[file === 'index' ? '.' : `./${file}`]
      // The order matters.
      assert.equal(
        JSON.stringify(target),
        JSON.stringify({
          // One copy for `import` and `require`: in Node, in Bun, and in bundles.
          'module-sync': esm,
          bun: esm,
          module: esm,
          import: esm,
          require: commonjs,
          default: esm,
        }),
        name,
      )
      if (file !== 'index') assert.deepEqual(manifest.typesVersions['*'][file], [commonjs.types], name)
    }
    assert.deepEqual(
      entryPoints.map(({ name }) => name),
      readEntryPoints().map(({ specifier }) => specifier),
    )
  })

  it('passes publint', () => {
    assert.match(runTool('publint', 'run', installed.tarball, '--strict'), /All good!/)
  })

  it('passes attw, which checks its types', () => {
    // It fails if there is a problem; its output shows that it checked every entry point.
    const output = runTool('attw', installed.tarball, '--format', 'ascii', '--no-color')
    for (const { name } of entryPoints)
      assert.ok(output.includes(`"${name}"`), `attw did not look at ${name}`)
  })
})

/** Runs one of the installed tools. Throws its output if it fails. */
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
