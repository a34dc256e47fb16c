/** For `node --import`: modules that import Nest get Nest 11, except those of Nest 11 itself. */
import { registerHooks } from 'node:module'

const home = new URL('package.json', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const isNest = /^(@nestjs\/|reflect-metadata$|rxjs$)/.test(specifier)
    const isInside = context.parentURL?.startsWith(new URL('node_modules/', home).href)
    return next(specifier, isNest && !isInside ? { ...context, parentURL: home } : context)
  },
})
