import type { Engine } from '../../contract/types/engine.ts'
import { declareQueue } from '../_bullmq/declaration.ts'

const engine: Engine = {
  ...declareQueue('redis'),
  name: 'queue-redis',
  summary: 'the same queue on Redis, and the tasks’ log beside it: at least once, the whole task again',
}
export default engine
