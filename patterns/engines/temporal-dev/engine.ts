import type { Engine } from '../../contract/types/axes.ts'
import temporal from '../temporal/engine.ts'

const engine: Engine = {
  ...temporal,
  name: 'temporal-dev',
  summary: 'the temporal engine on the dev server of the Temporal CLI, which keeps its history in one SQLite file',
  services: [
    { role: 'engine', program: 'temporal-dev', replicas: 1, dials: [] },
    ...temporal.services.filter(({ role }) => role === 'worker' || role === 'api'),
  ],
}
export default engine
