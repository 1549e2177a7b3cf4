import type { Delivery } from '../../contract/types/delivery.ts'
import { sureResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'webhook-retry',
  summary: 'signed POSTs (Standard Webhooks) until one is accepted; the client asks when none came',
  promises: [...sureResults, 'callback-identity'],
  madeOf: ['polling'],
  events: false,
  callback: true,
}
export default delivery
