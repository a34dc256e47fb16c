import { ADOPT } from './script/adopt.ts'
import { COMMANDS } from './script/commands.ts'
import { CONTRACT } from './script/contract.ts'
import { EXCHANGE } from './script/exchange.ts'
import { HALF_OPEN } from './script/half-open.ts'
import { READ } from './script/read.ts'
import { TRANSITION } from './script/transition.ts'
import { VALIDATE } from './script/validate.ts'
import { WRITE } from './script/write.ts'

/**
 * The script that executes every command on a record in Redis or Valkey. It does exactly what `reduce` does, so change
 * both together: differential fuzzing (test/system/faults) compares them. Its parts correspond to those of the reducer,
 * and make up one Lua chunk in this order.
 *
 * The text is in modules and not in a `.lua` file, because the published package needs it where there is no file
 * system. So there is one source and nothing to generate.
 */
export const SCRIPT: string = [
  CONTRACT,
  VALIDATE,
  READ,
  TRANSITION,
  HALF_OPEN,
  ADOPT,
  COMMANDS,
  EXCHANGE,
  WRITE,
].join('')
