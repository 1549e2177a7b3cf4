import type { Engine } from '../../contract/types/axes.ts'
import { takeover, timeouts } from './timeouts.ts'

const engine: Engine = {
  name: 'dbos',
  summary: 'workflows of the DBOS library in PostgreSQL; an executor recovers its own when it comes back by its name',
  // Not 'no-lost-task': what an executor had that never comes back, nobody takes over.
  promises: [
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
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['store', 'tools', 'receiver'] },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}
export default engine
