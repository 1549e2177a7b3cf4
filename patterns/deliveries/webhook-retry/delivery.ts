import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'webhook-retry',
  summary: 'signed POSTs (Standard Webhooks) until one is accepted; the client asks when none came',
  promises: [
    'no-lost-task',
    'effect-once',
    'idempotency',
    'effect-at-least-once',
    'no-phantom',
    'state-machine',
    'result-integrity',
    'callback-identity',
  ],
  madeOf: ['polling'],
  events: false,
  callback: true,
}
export default delivery
