#!/usr/bin/env node
/**
 * The `recloser` command, which shows and controls circuit breakers from a terminal.
 *
 * @module
 */
import { processIo } from './base/io.ts'
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2), processIo())
