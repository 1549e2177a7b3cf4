import type { Engine } from '../../contract/types/axes.ts'
import queue from '../queue/engine.ts'

const engine: Engine = {
  ...queue,
  name: 'queue-redis',
  summary: 'the same queue on Redis, and the tasks’ log beside it: at least once, the whole task again',
  services: queue.services.map((service) => (service.role === 'store' ? { ...service, program: 'redis' } : service)),
}
export default engine
