import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { reportApi } from '../../../scripts/api.ts'
import { root } from './pack.ts'

const reports = await reportApi()

describe('the public API', () => {
  for (const { file, text, complaints } of reports) {
    it(`matches ${file}; if the change is intended, run \`npm run api\` and commit it`, () => {
      const path = join(root, file)
      assert.equal(text, existsSync(path) ? readFileSync(path, 'utf8') : '')
    })

    it(`has a text for each name and each member: ${file}`, () => {
      assert.deepEqual(text.match(/\(undocumented\)\n.*/g) ?? [], [])
    })

    it(`exports every type that it uses: ${file}`, () => {
      assert.deepEqual(complaints, [])
    })
  }
})
