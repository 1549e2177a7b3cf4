import { AssertionError } from 'node:assert'
import { loadProtocol } from '../../patterns/contract/server/plugins.ts'
import type { CheckedService, ProtocolCase } from '../../patterns/contract/types/protocol.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import type { Abilities, Body, Target } from './case.ts'
import { Breach, lostBy } from './expect.ts'
import type { NamedCase } from './suite.ts'

/** The cases of a delivery that does not serve the task API, as the suite runs them: `rpc/repeated`. Undefined for the others. */
export async function protocolCases(delivery: string): Promise<readonly NamedCase[] | undefined> {
  const protocol = await loadProtocol(delivery)
  return protocol?.cases.map((one) => ({
    ...one,
    id: `${delivery}/${one.name}`,
    needs: ['answerTo'],
    check: checkOf(one),
  }))
}

function checkOf(one: ProtocolCase): NamedCase['check'] {
  return async (target, able) => {
    try {
      await one.check(serviceOf(target, able as Pick<Abilities, 'answerTo'>))
    } catch (error) {
      target.signal.throwIfAborted()
      const reason = error instanceof AssertionError ? error.message.split('\n')[0]! : lostBy(error)
      throw reason === undefined ? error : new Breach(reason, { cause: error })
    }
  }
}

function serviceOf(target: Target, { answerTo }: Pick<Abilities, 'answerTo'>): CheckedService {
  const { url, token = '', signal, timeScale } = target
  const requestFor = (key: string) => target.bodyFor(key) as TaskRequest
  return { url, token, signal, timeScale, requestFor, answerTo: (request) => answerTo(request as Body) }
}
