import { startTimer, type Timer } from '../../../patterns/contract/types/timer.ts'
import type { ActiveToxic } from './active-toxic.ts'
import type { Evidence } from './evidence.ts'
import type { Stage } from './stage.ts'
import type { Stream } from './stream.ts'
import type { Attributes, Harmable, ToxicHooks, ToxicPoint } from './toxic.ts'

export interface Attachment {
  /** Bytes arrived, in either direction. */
  payload(): void
  update(): void
  remove(): void
  /** The connection is over. */
  stop(): void
}

export interface AttachmentSite {
  readonly connection: Harmable & { readonly ordinal: number }
  readonly isUnderWay: () => boolean
  readonly stream: Stream
  readonly evidence: Evidence
  readonly fresh: boolean
}

export function attachToxic(active: ActiveToxic, site: AttachmentSite): Attachment {
  const timer = createTimer()
  const counted = { passedBytes: 0, fired: false, felt: false }
  const feel = (): void => {
    if (!counted.felt) site.evidence.felt(active)
    counted.felt = true
  }
  const hooks = active.toxic.attach(createPoint(active, site, { timer, counted, feel }))
  const stage = addStage(active, hooks, site.stream, counted)
  return {
    payload() {
      hooks.payload?.()
      // What a node sends because of an earlier action here meets it.
      if (counted.fired) feel()
    },
    update() {
      stage?.hurry()
      hooks.updated?.()
    },
    remove() {
      timer.cancel()
      if (stage) site.stream.removeStage(stage)
      hooks.removed?.()
    },
    stop() {
      timer.cancel()
      stage?.stop()
    },
  }
}

function createPoint(
  active: ActiveToxic,
  site: AttachmentSite,
  {
    timer,
    counted,
    feel,
  }: {
    readonly timer: Alarm
    readonly counted: { readonly passedBytes: number; fired: boolean }
    readonly feel: () => void
  },
): ToxicPoint<Attributes> {
  const { connection, evidence, fresh } = site
  return {
    get attributes() {
      return active.attributes
    },
    get passedBytes() {
      return counted.passedBytes
    },
    stream: active.stream,
    fresh,
    connection,
    rng: active.rng(connection.ordinal),
    after: timer.set,
    fired(bytes, detail) {
      evidence.fired(active, { connection: connection.ordinal, bytes, isFirst: !counted.fired, detail })
      counted.fired = true
      if (bytes > 0 || site.isUnderWay()) feel()
    },
  }
}

function addStage(
  active: ActiveToxic,
  hooks: ToxicHooks,
  stream: Stream,
  counted: { passedBytes: number },
): Stage | undefined {
  if (!hooks.chunk && !hooks.end) return undefined
  return stream.addStage(hooks, active.toxic.bufferBytes, (item) => {
    if (typeof item !== 'string') counted.passedBytes += item.length
  })
}

interface Alarm {
  set(ms: number, action: () => void): void
  cancel(): void
}

function createTimer(): Alarm {
  let timer: Timer | undefined
  return {
    set(ms, action) {
      timer?.cancel()
      timer = startTimer(action, ms)
    },
    cancel: () => timer?.cancel(),
  }
}
