import type { Command } from './command.ts'
import { close } from './commands/close.ts'
import { demo } from './commands/demo.ts'
import { halfOpen } from './commands/half-open.ts'
import { isolate } from './commands/isolate.ts'
import { open } from './commands/open.ts'
import { watch } from './commands/watch.ts'

/** All commands, in the order in which the help lists them. */
export const commands: readonly Command[] = [demo, watch, isolate, open, halfOpen, close]
