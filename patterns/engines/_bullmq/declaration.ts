import type { Engine } from '../../contract/types/engine.ts'
import { soundTasks } from '../../contract/engine/promises.ts'
import { takeover, timeouts } from './timeouts.ts'

/** What all engines with such queues declare. */
export function declareQueue(store: 'postgres' | 'redis'): Omit<Engine, 'name' | 'summary'> {
  return {
    promises: ['no-lost-task', 'idempotency', ...soundTasks],
    durable: true,
    executor: 'worker',
    notifier: 'worker',
    sticky: false,
    timeouts,
    takeover,
    services: [
      { role: 'store', program: store, replicas: 1, dials: [] },
      {
        role: 'worker',
        program: 'work',
        packages: ['bullmq'],
        replicas: 'executor',
        dials: ['store', 'tools', 'receiver'],
      },
      { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
    ],
  }
}
