import { Injectable } from '@nestjs/common'
import { Protect } from 'recloser/nestjs'

@Injectable()
export class PaymentsService {
  @Protect('payments')
  async charge(amount: number): Promise<string> {
    if (amount < 0) throw new Error('declined')
    return `charged ${amount}`
  }
}
