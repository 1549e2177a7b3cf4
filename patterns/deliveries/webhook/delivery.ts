import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'webhook',
  summary: 'one POST to the client when the task has ended; no retry',
  promises: ['effect-once', 'idempotency', 'effect-at-least-once', 'no-phantom', 'state-machine', 'result-integrity'],
  events: false,
  callback: true,
}
export default delivery
