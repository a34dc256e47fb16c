import type express from 'express'
import { createRequire } from 'node:module'
import { startExpress } from '../support/express.ts'
import { describeWebApp } from '../support/web.ts'

// It ships no types; the parts used here are the same as in Express 5.
const express4 = createRequire(import.meta.url)('express-4') as typeof express

describeWebApp('Express 4', (options) => startExpress(express4, true, options))
