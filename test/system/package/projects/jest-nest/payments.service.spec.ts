import 'reflect-metadata'
import { Test, type TestingModule } from '@nestjs/testing'
import { CircuitBreakerError, CircuitBreakerRegistry } from 'recloser'
import { CircuitBreakerModule } from 'recloser/nestjs'
import { PaymentsService } from './payments.service'

describe('PaymentsService', () => {
  let module: TestingModule
  let payments: PaymentsService

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [CircuitBreakerModule.forRoot({ breaker: { failMax: 1 } })],
      providers: [PaymentsService],
    }).compile()
    await module.init()
    payments = module.get(PaymentsService)
  })

  afterEach(() => module.close())

  it('answers', async () => {
    await expect(payments.charge(3)).resolves.toBe('charged 3')
  })

  it('goes through a breaker of the registry', async () => {
    await expect(payments.charge(-1)).rejects.toThrow('declined')
    await expect(payments.charge(3)).rejects.toThrow(CircuitBreakerError)
    expect(module.get(CircuitBreakerRegistry).get('payments').state).toBe('open')
  })
})
