import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compile, compilers, configurations } from './compile.ts'

// decorators.test.ts compiles the fixtures with decorators, and runs the output.
for (const compiler of compilers) {
  describe(`the types under TypeScript ${compiler.version}`, { concurrency: 2 }, () => {
    for (const configuration of configurations.filter((name) => !name.startsWith('decorators-'))) {
      it(`infer exactly, and refuse incorrect code: ${configuration}`, async () => {
        const complaints = await compile(compiler, configuration)
        assert.equal(complaints, '', complaints)
      })
    }
  })
}
