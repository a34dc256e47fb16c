import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compile, compilers, configurations } from './compile.ts'

// decorators.test.ts compiles the fixtures with decorators and runs the output; messages.test.ts compiles incorrect code.
for (const compiler of compilers) {
  describe(`the types under TypeScript ${compiler.version}`, { concurrency: 2 }, () => {
    for (const configuration of configurations.filter((name) => !/^(decorators-|messages$)/.test(name))) {
      it(`T1, T2, T4: infer exactly, and refuse incorrect code: ${configuration}`, async () => {
        const complaints = await compile(compiler, configuration)
        assert.equal(complaints, '', complaints)
      })
    }
  })
}
