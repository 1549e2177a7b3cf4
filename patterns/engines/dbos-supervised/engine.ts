import type { Engine } from '../../contract/types/axes.ts'
import dbos from '../dbos/engine.ts'
import { takeover, timeouts } from './timeouts.ts'

const engine: Engine = {
  ...dbos,
  name: 'dbos-supervised',
  summary: 'the dbos engine with a supervisor of ours: heartbeats, and a silent executor’s workflows go to the others',
  promises: ['no-lost-task', ...dbos.promises],
  timeouts,
  takeover,
}
export default engine
