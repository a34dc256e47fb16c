import { ADOPT } from './script/adopt.ts'
import { COMMANDS } from './script/commands.ts'
import { CONTRACT } from './script/contract.ts'
import { EXCHANGE } from './script/exchange.ts'
import { HALF_OPEN } from './script/half-open.ts'
import { READ } from './script/read.ts'
import { RINGS } from './script/rings.ts'
import { TRANSITION } from './script/transition.ts'
import { VALIDATE } from './script/validate.ts'
import { WRITE } from './script/write.ts'

/**
 * The one script that carries out every command on a record in Redis or Valkey. It does what `reduce` does, and nothing
 * else: whoever changes one changes the other, and differential fuzzing (test/system/faults) holds them together. Its parts are
 * those of the reducer, one after the other in one Lua chunk.
 *
 * The text stands in modules, and not in a `.lua` file, because the published package needs it where there is no file
 * system; so there is one source and nothing to generate.
 */
export const SCRIPT: string = [
  CONTRACT,
  VALIDATE,
  READ,
  RINGS,
  EXCHANGE,
  TRANSITION,
  HALF_OPEN,
  ADOPT,
  COMMANDS,
  WRITE,
].join('')
