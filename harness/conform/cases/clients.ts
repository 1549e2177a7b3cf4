import { sleep, timeLimit } from '../../../patterns/contract/types/timer.ts'
import { JobFailed, type Delivered, type Job } from '../../../patterns/contract/client/client.ts'
import { describeError } from '../../core/errors.ts'
import { holdPort } from '../../os/ports.ts'
import { startBufferingProxy } from '../buffering-proxy.ts'
import { contractCase, type Abilities, type CaseGroup, type Target } from '../case.ts'
import { eventNumbers, jobFor, portsFor, type Recorded, reported } from '../client.ts'
import { Breach, must, mustBe } from '../expect.ts'
import { newKey, readEnd } from '../tasks.ts'
import { slackMs, until } from '../http.ts'

const source = 'docs/contract.md#clients'
const needs = ['client', 'answerTo', 'effects'] as const
type Able = Pick<Abilities, (typeof needs)[number]>

export default {
  name: 'clients',
  summary: "the pattern's own client: learns the right result once, whatever stands between it and the service",
  cases: [
    contractCase({
      name: 'right-result',
      proves: 'the client learns the right result, once, and reports what it did',
      source,
      needs,
      quick: true,
      timed: true,
      async check(target, able) {
        const key = newKey('right')
        const ports = clientPorts(target, able, [target.url])
        const { task, via } = await run(target, able, jobFor(target, key), ports)
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key)))
        mustBe('the task that it was given', task, await readEnd(target, task.task_id))
        mustBe('steps', await stepsOf(able, key), [1, 2, 3])
        mustBe('its first reports', reported(ports).slice(0, 2), ['submit.invoke', 'submit.ok'])
        must(via !== '', 'it says how it learned the end')
        if (able.client.events) mustBe('events', eventNumbers(ports), upTo(task.version))
      },
    }),
    contractCase({
      name: 'next-replica',
      proves: 'a replica that refuses the connection costs nothing: the client goes to the next',
      source,
      needs,
      quick: true,
      timed: true,
      async check(target, able) {
        const key = newKey('next')
        using closed = await holdPort()
        const ports = clientPorts(target, able, [`http://127.0.0.1:${closed.port}`, target.url])
        const { task } = await run(target, able, jobFor(target, key), ports)
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key)))
        const submissions = reported(ports).filter((what) => what.startsWith('submit'))
        mustBe('submissions', submissions, ['submit.invoke', 'submit.fail', 'submit.invoke', 'submit.ok'])
        if (able.client.sticky) must(!readsRefused(ports), 'it read at the closed one')
      },
    }),
    contractCase({
      name: 'refused',
      proves: 'when every attempt was refused before a byte was sent, the client knows that nothing was accepted',
      source,
      needs,
      quick: true,
      timed: true,
      async check(target, able) {
        using closed = await holdPort()
        const ports = clientPorts(target, able, [`http://127.0.0.1:${closed.port}`])
        const error = await failure(able, jobFor(target, newKey('refused')), ports, AbortSignal.timeout(300))
        must(error instanceof JobFailed && error.reason === 'refused', `it ended with ${String(error)}`)
      },
    }),
    contractCase({
      name: 'hopeless',
      proves: 'a request that can never succeed is not repeated',
      source,
      needs,
      quick: true,
      timed: true,
      async check(target, able) {
        const ports = clientPorts(target, able, [target.url], { token: 'not-the-token-of-the-node' })
        const error = await failure(able, jobFor(target, newKey('hopeless')), ports, target.signal)
        must(error instanceof JobFailed, `it ended with ${String(error)}`)
        mustBe('its reports', reported(ports), ['submit.invoke', 'submit.fail'])
      },
    }),
    contractCase({
      name: 'lost-response',
      proves: 'a lost answer to the submission does not become a second task',
      source,
      needs: [...needs, 'lossyLink'],
      timed: true,
      async check(target, { lossyLink, ...able }) {
        const key = newKey('client-lost')
        const ports = clientPorts(target, able, [lossyLink.url])
        const harm = await lossyLink.harm()
        const running = run(target, able, jobFor(target, key), ports)
        try {
          // It cannot know, whoever was at fault.
          await until(target, 'a report of a lost answer', () => reported(ports).includes('submit.info'))
        } finally {
          await harm.heal()
        }
        const { task } = await running
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key)))
        mustBe('steps', await stepsOf(able, key), [1, 2, 3])
      },
    }),
    contractCase({
      name: 'unknown',
      proves: 'a client that cannot know whether it was accepted gives up with the reason of its signal',
      source,
      needs: [...needs, 'lossyLink'],
      timed: true,
      async check(target, { lossyLink, ...able }) {
        const harm = await lossyLink.harm()
        const ports = clientPorts(target, able, [lossyLink.url])
        const limit = timeLimit(2 * slackMs + 2 * target.timing.backoffBaseMs)
        try {
          const error = await failure(able, jobFor(target, newKey('unknown')), ports, limit)
          must(reported(ports).includes('submit.info'), 'no answer was lost')
          mustBe('its error', (error as Error).name, 'TimeoutError')
        } finally {
          await harm.heal()
        }
      },
    }),
    contractCase({
      name: 'half-open',
      proves: 'a link that goes silent without FIN, and carries again, costs the client nothing but time',
      source,
      needs: [...needs, 'silentLink'],
      timed: true,
      async check(target, { silentLink, ...able }) {
        const key = newKey('client-half-open')
        const ports = clientPorts(target, able, [silentLink.url])
        const running = run(target, able, jobFor(target, key, { long: true }), ports)
        while ((await stepsOf(able, key)).length < 2) await sleep(50, target.signal)
        const harm = await silentLink.harm()
        await sleep(target.timing.watchdogMs + slackMs)
        await harm.heal()
        const { task } = await running
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key, { long: true })))
        if (able.client.events) mustBe('events, without repetitions', distinct(ports), upTo(distinct(ports).length))
      },
    }),
    contractCase({
      name: 'buffering-proxy',
      proves: 'a proxy that keeps answers until they are whole does not make the client hang',
      source,
      needs,
      async check(target, able) {
        const key = newKey('buffered')
        await using proxy = await startBufferingProxy(target.url)
        const ports = clientPorts(target, able, [proxy.url])
        const { task } = await run(target, able, jobFor(target, key), ports)
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key)))
      },
    }),
    contractCase({
      name: 'out-of-order',
      proves:
        'callbacks that come late, twice and in another order than their tasks ended give each job its own result',
      source,
      needs: [...needs, 'callbacks'],
      async check(target, { callbacks, ...able }) {
        const inbox = callbacks.inbox(3)
        const keys = Array.from({ length: 3 }, (_, i) => newKey(`order-${i}`))
        const runs = keys.map((key) => {
          return run(target, able, jobFor(target, key), clientPorts(target, able, [target.url], { inbox }))
        })
        const digests = (await Promise.all(runs)).map(({ task }) => task.result?.digest)
        mustBe(
          'digests',
          digests,
          keys.map((key) => able.answerTo(target.bodyFor(key))),
        )
      },
    }),
    contractCase({
      name: 'restart',
      proves:
        'a client that asks learns the right result though every node was killed meanwhile; its events have no gap',
      source,
      needs: [...needs, 'restart', 'durable'],
      async check(target, { restart, ...able }) {
        const key = newKey('client-restart')
        const ports = clientPorts(target, able, [target.url])
        const running = run(target, able, jobFor(target, key, { long: true }), ports)
        while ((await stepsOf(able, key)).length < 2) await sleep(50, target.signal)
        await restart()
        const { task } = await running
        mustBe('digest', task.result?.digest, able.answerTo(target.bodyFor(key, { long: true })))
        if (able.client.events) mustBe('events', eventNumbers(ports), upTo(task.version))
      },
    }),
    contractCase({
      name: 'gone',
      proves: 'a client that asks does not ask for ever: it says that its task is gone, or submits it again',
      source,
      needs: [...needs, 'restart', 'forgetful'],
      async check(target, { restart, ...able }) {
        const key = newKey('gone')
        const ports = clientPorts(target, able, [target.url])
        const over = new AbortController()
        const signal = AbortSignal.any([over.signal, target.signal])
        const running = able.client.run(jobFor(target, key), ports, signal).catch((error: unknown) => ({ error }))
        while ((await stepsOf(able, key)).length === 0) await sleep(20, target.signal)
        await restart()
        const ended = await Promise.race([running, sleep(8 * target.timing.requestTimeoutMs)])
        over.abort(new Error('enough'))
        // Whoever only waits to be called never learns, and does not promise to.
        const asks = ports.log.some(({ f }) => f === 'poll' || f === 'stream')
        if (ended === undefined) return must(!asks, 'it goes on asking for a task that nobody knows')
        if ('error' in ended) return mustBe('how it failed', reasonOf(ended.error), 'gone')
        mustBe('digest', ended.task.result?.digest, able.answerTo(target.bodyFor(key)))
      },
    }),
  ],
} satisfies CaseGroup

function clientPorts(target: Target, { client }: Able, urls: readonly string[], more = {}): Recorded {
  return portsFor(target, { client, callbacks: target.able.callbacks }, urls, more)
}

async function stepsOf({ effects }: Able, key: string): Promise<readonly number[]> {
  return (await effects()).filter(({ job }) => job === key).map(({ step }) => step)
}

/** The client's run; what it throws is the client's own, not a defect of the case. */
function run(target: Target, { client }: Able, job: Job, ports: Recorded): Promise<Delivered> {
  const running = client.run(job, ports, target.signal).catch((error: unknown) => {
    target.signal.throwIfAborted()
    throw new Breach(`the client failed: ${reasonOf(error)}: ${describeError(error)}`, { cause: error })
  })
  running.catch(() => {})
  return running
}

async function failure({ client }: Able, job: Job, ports: Recorded, signal: AbortSignal): Promise<unknown> {
  const result = await client.run(job, ports, signal).catch((error: unknown) => ({ error }))
  if ('error' in result) return result.error
  throw new Breach(`the client learned a result that nobody had: ${result.via}`)
}

function distinct(ports: Recorded): readonly number[] {
  return [...new Set(eventNumbers(ports))]
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}

function reasonOf(error: unknown): string {
  return error instanceof JobFailed ? error.reason : String(error)
}

function readsRefused({ log }: Recorded): boolean {
  return log.some((seen) => seen.f === 'poll' && seen.type === 'fail' && seen.error.includes('ECONNREFUSED'))
}
