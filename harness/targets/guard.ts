import { validateHeaderName, validateHeaderValue } from 'node:http'
import { describeError, HarnessError } from '../core/errors.ts'
import { targetStates } from '../model/target.ts'
import type { Adapter, AdapterNotice, AdapterRequest, AdapterTask } from './adapter.ts'

/** Hears of every mistake of an adapter: nothing that comes of it says anything of the service. */
export type OnMistake = (error: HarnessError) => void

/**
 * An adapter whose mistakes are not the service's: its file is run as it is written, and nobody has checked its types. What `read`
 * throws of an answer means that there is no task in it, and what `isRight` throws that the document is not right: once either
 * has returned anything. Its methods may be those of a class.
 */
export function guarded(name: string, adapter: Adapter, onMistake: OnMistake): Adapter {
  const mistake = (part: string, what: string): HarnessError => {
    const error = new HarnessError(`the adapter of ${name} ${what.replace('…', part)}`)
    onMistake(error)
    return error
  }
  const asked = (part: 'submit' | 'status', ask: () => AdapterRequest): AdapterRequest => {
    const request = tryOr(ask, (error) => mistake(part, `threw in …: ${describeError(error)}`))
    const why = whyNoRequest(request)
    if (why !== undefined) throw mistake(part, `gave ${why} in …`)
    return request
  }
  /** `instead`: where it threw, as it may once it has returned. */
  const lenient = (part: 'read' | 'isRight') => {
    let hasReturned = false
    return <R>(act: () => R, instead: R): R => {
      try {
        const given = act()
        hasReturned = true
        return given
      } catch (error) {
        if (!hasReturned) mistake(part, `threw in …: ${describeError(error)}`)
        return instead
      }
    }
  }
  const [reading, judging] = [lenient('read'), lenient('isRight')]
  const taskIn = <T extends AdapterNotice>(part: 'read' | 'callback', found: T): T => {
    const isPartial = part === 'callback' && !(found instanceof Promise) && found?.state === undefined
    const why = whyNoTask(isPartial ? { ...found, state: 'running' } : found)
    if (why !== undefined) throw mistake(part, `gave ${why} in …`)
    const { id = '' } = found as { readonly id?: string | number }
    return { ...found, id: String(id) }
  }
  return {
    submit: (job) => asked('submit', () => adapter.submit(job)),
    ...(adapter.status && { status: (id, service) => asked('status', () => adapter.status!(id, service)) }),
    read(answer, job) {
      if (answer.status === conflict) return sureTask(() => adapter.read(answer, job))
      const found = reading(() => adapter.read(answer, job), undefined)
      return found ? taskIn('read', found) : undefined
    },
    ...(adapter.callback && { callback: (given, job) => taskIn('callback', adapter.callback!(given, job)) }),
    ...(adapter.isRight && {
      isRight(document, job) {
        const said: unknown = judging<unknown>(() => adapter.isRight!(document, job), false)
        if (typeof said !== 'boolean') throw mistake('isRight', 'gave neither true nor false in …')
        return said
      },
    }),
    isIdempotent: adapter.isIdempotent,
  }
}

/** A refusal, which perhaps names the task: most adapters are not written for it. */
const conflict = 409

function sureTask(read: () => AdapterTask | undefined): AdapterTask | undefined {
  try {
    const found = read()
    if (!found || whyNoTask(found) !== undefined) return undefined
    return { ...found, id: String((found as { readonly id?: string | number }).id ?? '') }
  } catch {
    return undefined
  }
}

function tryOr<R>(act: () => R, instead: (error: unknown) => Error): R {
  try {
    return act()
  } catch (error) {
    throw instead(error)
  }
}

function whyNoRequest(given: AdapterRequest | undefined): string | undefined {
  if (given instanceof Promise) return 'a promise'
  const { path, method = 'GET', headers = {}, body } = given ?? ({} as Partial<AdapterRequest>)
  if (typeof path !== 'string' || !URL.canParse(path, 'http://service')) return 'no path that is a text'
  if (!methods.includes(method)) return `the method ${JSON.stringify(method)}, which is none of ${methods.join(', ')},`
  const bad = Object.entries(headers).find(([name, value]) => !isHeader(name, value))
  if (bad) return `a header ${JSON.stringify(bad[0])} that cannot be sent`
  return isSendable(body) ? undefined : 'a body that is no JSON'
}

const methods: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH']

function isHeader(name: string, value: unknown): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value as string)
    return typeof value === 'string'
  } catch {
    return false
  }
}

/** What throws in the hands of the client would look like a connection that failed. */
function isSendable(body: unknown): boolean {
  try {
    return body === undefined || JSON.stringify(body) !== undefined
  } catch {
    return false
  }
}

function whyNoTask(given: AdapterNotice): string | undefined {
  if (given instanceof Promise) return 'a promise'
  const { id, state, reason } = given as Readonly<Record<keyof AdapterTask, unknown>>
  if (!['string', 'number', 'undefined'].includes(typeof id)) return 'an id that is no text'
  if (!(targetStates as readonly unknown[]).includes(state))
    return `the state ${JSON.stringify(state) ?? 'undefined'}, which is none of ${targetStates.join(', ')},`
  return ['string', 'undefined'].includes(typeof reason) ? undefined : 'a reason that is no text'
}
