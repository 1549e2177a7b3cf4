import type { Engine } from '../../contract/types/axes.ts'
import queue from '../queue/engine.ts'

const engine: Engine = {
  ...queue,
  name: 'queue-memo',
  summary: 'the same queue, whose jobs look up which steps are done: only the step in flight repeats',
  promises: [...queue.promises, 'effect-once'],
}
export default engine
