import type { Engine } from '../../contract/types/engine.ts'
import { soundTasks } from '../../contract/engine/promises.ts'
import { supervisedTakeover, supervisedTimeouts, takeover, timeouts } from './timeouts.ts'

const declared: Engine = {
  name: 'dbos',
  summary: 'workflows of the DBOS library in PostgreSQL; an executor recovers its own when it comes back by its name',
  // Not 'no-lost-task': what an executor had that never comes back, no other one takes over.
  promises: ['effect-once', 'idempotency', ...soundTasks],
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    {
      role: 'worker',
      program: 'work',
      packages: ['@dbos-inc/dbos-sdk'],
      replicas: 'executor',
      dials: ['store', 'tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}

export const supervised: Engine = {
  ...declared,
  name: 'dbos-supervised',
  summary: 'the dbos engine with a supervisor of ours: heartbeats, and a silent executor’s workflows go to the others',
  promises: ['no-lost-task', ...declared.promises],
  timeouts: supervisedTimeouts,
  takeover: supervisedTakeover,
}

const engine: Engine = { ...declared, variants: [supervised] }
export default engine
