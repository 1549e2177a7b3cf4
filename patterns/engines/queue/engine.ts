import type { Engine } from '../../contract/types/engine.ts'
import { declareQueue } from '../_bullmq/declaration.ts'

const declared = declareQueue('postgres')

/** Its jobs look up which steps are done. */
export const memo: Engine = {
  ...declared,
  name: 'queue-memo',
  summary: 'the same queue, whose jobs look up which steps are done: only the step in flight repeats',
  promises: [...declared.promises, 'effect-once'],
}

const engine: Engine = {
  ...declared,
  name: 'queue',
  summary: 'a job per task in BullMQ on PostgreSQL: at least once, after a crash the whole task again',
  variants: [memo],
}
export default engine
