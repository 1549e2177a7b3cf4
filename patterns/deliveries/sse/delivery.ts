import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'sse',
  summary: 'a resumable event stream with heartbeats, and nothing else: no stream, no news',
  promises: [
    'no-lost-task',
    'effect-once',
    'idempotency',
    'effect-at-least-once',
    'no-phantom',
    'state-machine',
    'result-integrity',
    'sse-continuity',
  ],
  events: true,
  callback: false,
}
export default delivery
