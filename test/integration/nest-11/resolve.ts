/**
 * Has whoever is not of Nest 11 himself find Nest 11 where he asks for Nest: for `node --import`.
 */
import { registerHooks } from 'node:module'

const home = new URL('package.json', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const isNest = /^(@nestjs\/|reflect-metadata$|rxjs$)/.test(specifier)
    const isInside = context.parentURL?.startsWith(new URL('node_modules/', home).href)
    return next(specifier, isNest && !isInside ? { ...context, parentURL: home } : context)
  },
})
