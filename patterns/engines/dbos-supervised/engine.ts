import type { Engine } from '../../contract/axes.ts'
import { timeouts } from './timeouts.ts'

const engine: Engine = {
  name: 'dbos-supervised',
  summary: 'the dbos engine with a supervisor of ours: heartbeats, and a silent executor’s workflows go to the others',
  promises: [
    'no-lost-task',
    'effect-once',
    'idempotency',
    'no-phantom',
    'state-machine',
    'result-integrity',
    'sse-continuity',
  ],
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  services: [
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['store', 'tools', 'receiver'] },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}
export default engine
