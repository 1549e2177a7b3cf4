import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'sync',
  summary: 'one request, held open until the result',
  promises: ['effect-once', 'idempotency', 'effect-at-least-once', 'no-phantom', 'state-machine', 'result-integrity'],
  events: false,
  callback: false,
}
export default delivery
