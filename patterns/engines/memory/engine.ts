import type { Engine } from '../../contract/types/engine.ts'
import { soundTasks } from '../../contract/engine/promises.ts'

const engine: Engine = {
  name: 'memory',
  summary: 'tasks live in the API process and die with it',
  promises: [...soundTasks, 'spawn-once'],
  durable: false,
  executor: 'api',
  notifier: 'api',
  sticky: true,
  timeouts: {},
  services: [{ role: 'api', program: 'serve', replicas: 'executor', dials: ['tools', 'receiver'] }],
}
export default engine
