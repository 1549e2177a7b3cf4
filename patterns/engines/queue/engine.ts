import type { Engine } from '../../contract/types/axes.ts'
import { takeover, timeouts } from '../_bullmq/timeouts.ts'

const engine: Engine = {
  name: 'queue',
  summary: 'a job per task in BullMQ on PostgreSQL: at least once, after a crash the whole task again',
  promises: [
    'no-lost-task',
    'idempotency',
    'effect-at-least-once',
    'no-phantom',
    'state-machine',
    'result-integrity',
    'sse-continuity',
  ],
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['store', 'tools', 'receiver'] },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}
export default engine
