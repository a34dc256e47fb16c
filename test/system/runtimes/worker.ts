// The program inside workerd. Its module scope is workerd's global scope, in which smoke.ts is set up.
import { smoke } from './smoke.ts'

const timeInGlobalScope = performance.now()
let timerInGlobalScope = 'allowed'
try {
  setTimeout(() => {}, 0)
} catch {
  timerInGlobalScope = 'refused'
}

const worker = {
  async fetch(request: Request): Promise<Response> {
    const scope = `${timeInGlobalScope} ${timerInGlobalScope}`
    const report = {
      ...(await smoke(new URL(request.url).searchParams.get('origin') ?? '')),
      // If this fails, workerd has changed and the check above is pointless.
      'the global scope has neither time nor timers': scope === '0 refused' ? '' : scope,
    }
    return Response.json(report)
  },
}

// oxlint-disable-next-line import/no-default-export -- workerd requires it
export { worker as default }
