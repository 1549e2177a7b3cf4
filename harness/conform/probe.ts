import { timeLimit } from '../../patterns/contract/types/timer.ts'
import { limitMs, type Abilities, type Target } from './case.ts'
import { Breach } from './expect.ts'
import { type Probed, probeControl } from './probe-control.ts'
import { newKey, start, submit } from './tasks.ts'
import { send } from './http.ts'
import { isStream, openStream } from './stream.ts'
import { mediaTypeOf } from './headers.ts'
import { refusedHandshake } from './socket.ts'

type Missing = Target['unable']

/**
 * `ask`, within the time of a case: a service that answers nothing breaks the contract too. Throws Breach for that, and for
 * an answer that the contract does not know.
 */
export async function probe(target: Target, callbacks: Abilities['callbacks'] | string): Promise<Target> {
  const limit = timeLimit(limitMs(target))
  try {
    const probed = await ask({ ...target, signal: AbortSignal.any([target.signal, limit]) }, callbacks)
    return { ...probed, signal: target.signal }
  } catch (error) {
    if (!limit.aborted) throw error
    const exchange = target.conversation.unanswered
    throw new Breach(`a first task was not answered within ${limitMs(target)} ms`, { cause: error, exchange })
  }
}

/**
 * The target with what it says of itself when it is asked: whether it streams, opens sockets and calls back, and whether
 * its agents can be controlled. A refusal is an answer: cases that need what it has not do not apply.
 */
async function ask(target: Target, callbacks: Abilities['callbacks'] | string): Promise<Target> {
  const { self } = await start(target, newKey('probe'), { long: target.able.effects !== undefined })
  const [stream, socket, control, called] = await Promise.all([
    probeStream(target, self),
    probeSocket(target, self),
    probeControl(target),
    typeof callbacks === 'string' ? callbacks : probeCallbacks(target, callbacks),
  ])
  // What the probe has begun would otherwise go on beside the cases.
  await send(target, `${self}:cancel`, { method: 'POST' })
  const reasons: Probed = [['stream', stream], ['socket', socket], ['callbacks', called], ...control]
  const plain = reasons.filter(([need, why]) => need !== 'callbacks' && why === undefined)
  const able: Partial<Abilities> = {
    ...target.able,
    ...Object.fromEntries(plain.map(([need]) => [need, true])),
    ...(typeof callbacks !== 'string' && called === undefined && { callbacks }),
  }
  const unable = Object.fromEntries(reasons.filter(([, why]) => why !== undefined)) as Missing
  return { ...target, able, unable: { ...target.unable, ...unable } }
}

/** A service may say in many ways that it has no stream (RFC 9110 12.4.1, 15.5.5 to 15.5.7, 15.6.2). */
const withoutStream: ReadonlySet<number> = new Set([200, 404, 405, 406, 501])

async function probeStream(target: Target, self: string): Promise<string | undefined> {
  const stream = await openStream(target, `${self}/events`)
  stream.close()
  const { status, headers } = stream
  if (isStream(stream) || !withoutStream.has(status)) return undefined
  const answer = status === 200 ? `with ${mediaTypeOf(headers) ?? 'something of no media type'}` : String(status)
  return `it answers ${answer}: it streams no events`
}

async function probeSocket(target: Target, self: string): Promise<string | undefined> {
  const answer = await refusedHandshake(target, self)
  return answer && `it answers ${answer.status} to the handshake: it opens no sockets`
}

async function probeCallbacks(target: Target, callbacks: Abilities['callbacks']): Promise<string | undefined> {
  const key = newKey('probe-callback')
  const { url } = callbacks.mailbox(key)
  const { status } = await submit(target, key, target.bodyFor(key, { callbackUrl: url }))
  if (status === 422) return `it answers 422: it does not call ${url}`
  return status >= 400 ? `it answers ${status} to a request with a callback: it posts none` : undefined
}
