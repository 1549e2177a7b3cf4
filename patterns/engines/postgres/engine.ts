import type { Engine } from '../../contract/types/engine.ts'
import { durableTasks } from '../../contract/engine/promises.ts'
import { takeover, timeouts } from './timeouts.ts'

const engine: Engine = {
  name: 'postgres',
  summary: 'a journal in PostgreSQL: event log, leases with fencing, resume after the last completed step, outbox',
  promises: durableTasks,
  durable: true,
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
