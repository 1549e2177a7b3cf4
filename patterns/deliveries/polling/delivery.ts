import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'polling',
  summary: '202 and a status resource with partial state, read by conditional long polls',
  promises: [
    'no-lost-task',
    'effect-once',
    'idempotency',
    'effect-at-least-once',
    'no-phantom',
    'state-machine',
    'result-integrity',
  ],
  events: false,
  callback: false,
}
export default delivery
