// A program: waiting for a breaker keeps the process alive only where a timer will end the wait.
import { CircuitBreaker } from '../../../../src/index.ts'

const isolated = new CircuitBreaker()
isolated.isolate()
void isolated.ready().then(() => console.log('isolated is ready'))

const open = new CircuitBreaker()
open.open({ for: 30 })
void open.ready().then(() => console.log('open is ready'))
