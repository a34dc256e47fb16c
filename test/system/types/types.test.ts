import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compile, compilers, configurations } from './compile.ts'

// Those with decorators are compiled in decorators.test.ts, which also runs what comes out.
for (const compiler of compilers) {
  describe(`the types under TypeScript ${compiler.version}`, { concurrency: 2 }, () => {
    for (const configuration of configurations.filter((name) => !name.startsWith('decorators-'))) {
      it(`infer exactly, and refuse what is wrong: ${configuration}`, async () => {
        const complaints = await compile(compiler, configuration)
        assert.equal(complaints, '', complaints)
      })
    }
  })
}
