import type { Engine } from '../../contract/types/engine.ts'
import { durableTasks } from '../../contract/engine/promises.ts'
import { takeover, timeouts } from './timeouts.ts'

const declared: Engine = {
  name: 'temporal',
  summary: 'a workflow per task on a Temporal server, which keeps its history in PostgreSQL; workers poll for steps',
  promises: durableTasks,
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', schema: 'temporal', replicas: 1, dials: [] },
    { role: 'engine', program: 'temporal', replicas: 1, dials: ['store'] },
    {
      role: 'worker',
      program: 'work',
      packages: ['@temporalio/worker'],
      replicas: 'executor',
      dials: ['engine', 'tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['engine'] },
  ],
}

const devServer: Engine = {
  ...declared,
  name: 'temporal-dev',
  summary: 'the temporal engine on the dev server of the Temporal CLI, which keeps its history in one SQLite file',
  services: [
    { role: 'engine', program: 'temporal-dev', replicas: 1, dials: [] },
    ...declared.services.filter(({ role }) => role === 'worker' || role === 'api'),
  ],
}

const engine: Engine = { ...declared, variants: [devServer] }
export default engine
