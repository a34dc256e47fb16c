#!/usr/bin/env node
/**
 * The command `recloser`: see and steer circuit breakers from a terminal.
 *
 * @module
 */
import { processIo } from './base/io.ts'
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2), processIo())
