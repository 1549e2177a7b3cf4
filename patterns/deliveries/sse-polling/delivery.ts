import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'sse-polling',
  summary: 'a resumable event stream with heartbeats; polling while the stream is down',
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
  madeOf: ['polling', 'sse'],
  events: true,
  callback: false,
}
export default delivery
