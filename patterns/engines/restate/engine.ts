import type { Engine } from '../../contract/types/engine.ts'
import { durableTasks } from '../../contract/engine/promises.ts'
import { patience, takeover, timeouts } from './timeouts.ts'

const engine: Engine = {
  name: 'restate',
  summary: 'a workflow per task on a Restate server, which pushes the work to a service node and journals every step',
  promises: durableTasks,
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  patience,
  services: [
    { role: 'engine', program: 'restate', replicas: 1, dials: ['worker'] },
    // One: a deployment is one address. Several need a load balancer that speaks HTTP/2 in front of them.
    {
      role: 'worker',
      program: 'work',
      packages: ['@restatedev/restate-sdk'],
      replicas: 1,
      dials: ['tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['engine'] },
  ],
}
export default engine
