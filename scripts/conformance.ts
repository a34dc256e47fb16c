// npm run conformance -- FILE...: runs the behavioral cases in the files against the breaker.
import { conformance } from '../test/unit/conformance/command.ts'

process.exitCode = await conformance(process.argv.slice(2), console)
