import type { Command } from './base/command.ts'
import { close } from './commands/close.ts'
import { demo } from './commands/demo.ts'
import { fleetClose } from './commands/fleet-close.ts'
import { fleetHalfOpen } from './commands/fleet-half-open.ts'
import { fleetIsolate } from './commands/fleet-isolate.ts'
import { fleetOpen } from './commands/fleet-open.ts'
import { fleet } from './commands/fleet.ts'
import { halfOpen } from './commands/half-open.ts'
import { isolate } from './commands/isolate.ts'
import { open } from './commands/open.ts'
import { watch } from './commands/watch.ts'

const ofDashboard: readonly Command[] = [demo, watch, isolate, open, halfOpen, close]
const ofFleet: readonly Command[] = [fleet, fleetIsolate, fleetOpen, fleetHalfOpen, fleetClose]

/** All commands, in the order in which the help lists them. */
export const commands: readonly Command[] = [...ofDashboard, ...ofFleet]
