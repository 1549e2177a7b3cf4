import type { Engine } from '../../../patterns/contract/types/engine.ts'
import type { Promised } from '../../../patterns/contract/types/promises.ts'
import { entryPath } from '../../os/child.ts'
import { type Misbehaviour, misbehaviourVariable } from './misbehaviour.ts'

const always: readonly Promised[] = ['no-phantom', 'state-machine', 'result-integrity', 'stream-continuity']
const keeping: readonly Promised[] = [...always, 'no-lost-task', 'effect-at-least-once', 'effect-once', 'idempotency']

/** An engine of one process per replica, which does its work itself, wrong in this way if in any. */
export function controlEngine(name: string, misbehaviour?: Misbehaviour): Engine {
  return {
    name,
    summary:
      misbehaviour === undefined
        ? 'sleeps, posts the effects, completes'
        : `the same, and is made to ${misbehaviour.does}`,
    // As long as nothing ends its process the null engine keeps them all, and a control must be caught breaking one.
    promises: keeping,
    durable: false,
    executor: 'api',
    notifier: 'api',
    sticky: true,
    timeouts: {},
    services: [{ role: 'api', program: 'serve', replicas: 'executor', dials: ['tools', 'receiver'] }],
    env: {
      OUTLAST_BACKEND: entryPath('./backend', import.meta.url),
      ...(misbehaviour && { [misbehaviourVariable]: JSON.stringify(misbehaviour) }),
    },
  }
}
