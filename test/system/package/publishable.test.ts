import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { missingForPublication } from '../../../scripts/check/publishable.ts'
import { manifest, root } from './pack.ts'

const complete = {
  repository: { type: 'git', url: 'git+https://git.test/recloser.git' },
  homepage: 'https://recloser.test',
  bugs: 'https://git.test/recloser/issues',
}

describe('a publication', () => {
  /** Runs the script that npm runs before it publishes, with these additions to package.json. */
  function prepublish(additions: object): { readonly status: number | null; readonly stderr: string } {
    const folder = mkdtempSync(join(tmpdir(), 'recloser-publish-'))
    try {
      const scripts = {
        prepublishOnly: manifest.scripts['prepublishOnly']?.replace('scripts/', `${root}/scripts/`),
      }
      const fields = { ...manifest, repository: undefined, homepage: undefined, bugs: undefined, scripts }
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...fields, ...additions }))
      const { status, stderr } = spawnSync('npm', ['run', '--silent', 'prepublishOnly'], {
        cwd: folder,
        encoding: 'utf8',
      })
      return { status, stderr }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('stops, and lists everything that is missing', () => {
    const { status, stderr } = prepublish({})
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^package\.json lacks what a publication needs:\n {2}repository: .*\n {2}homepage: .*\n {2}bugs: /,
    )
  })

  it('treats an empty field as missing, and lists only that', () => {
    for (const [field] of Object.entries(complete)) {
      for (const empty of [undefined, '', ' ', {}, { url: '' }]) {
        const missing = missingForPublication({ ...complete, [field]: empty })
        assert.deepEqual(
          missing.map((each) => each.split(':')[0]),
          [field],
        )
      }
    }
  })

  it('continues when nothing is missing', () => {
    assert.deepEqual(prepublish(complete), { status: 0, stderr: '' })
  })
})
