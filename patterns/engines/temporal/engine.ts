import type { Engine } from '../../contract/types/axes.ts'
import { takeover, timeouts } from './timeouts.ts'

const engine: Engine = {
  name: 'temporal',
  summary: 'a workflow per task on a Temporal server, which keeps its history in PostgreSQL; workers poll for steps',
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
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', schema: 'temporal', replicas: 1, dials: [] },
    { role: 'engine', program: 'temporal', replicas: 1, dials: ['store'] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['engine', 'tools', 'receiver'] },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['engine'] },
  ],
}
export default engine
