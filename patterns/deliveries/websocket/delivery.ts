import type { Delivery } from '../../contract/types/delivery.ts'

const delivery: Delivery = {
  name: 'websocket',
  summary: 'one socket per task, both ways: resumes by last_seq, lives by ping and pong; every command has a REST twin',
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
