import type { Engine } from '../../contract/types/axes.ts'

const engine: Engine = {
  name: 'memory',
  summary: 'tasks live in the API process and die with it',
  promises: ['effect-at-least-once', 'no-phantom', 'state-machine', 'result-integrity', 'sse-continuity'],
  executor: 'api',
  notifier: 'api',
  sticky: true,
  timeouts: {},
  services: [{ role: 'api', program: 'serve', replicas: 'executor', dials: ['tools', 'receiver'] }],
}
export default engine
