import type { Tuning } from '../model/timeouts.ts'

/** What all nodes of a system under test are told, as `patterns/contract/server/settings.ts` reads it; a runtime adds who each is. */
export function nodeEnvironment({
  delivery,
  engine,
  tuning,
  timeScale,
  token,
  network,
  system,
}: {
  readonly delivery: string
  readonly engine: string
  readonly tuning: Tuning
  readonly timeScale: number
  readonly token: string
  /** Of the callback receiver, as CIDR: on loopback or in a private network, which a sender must otherwise refuse to dial. */
  readonly network: string
  /** Which system they are nodes of: their answers say so (`strangers.ts`). */
  readonly system?: string
}): Readonly<Record<string, string>> {
  return {
    OUTLAST_DELIVERY: delivery,
    OUTLAST_ENGINE: engine,
    OUTLAST_TUNING: tuning,
    OUTLAST_TIME_SCALE: String(timeScale),
    OUTLAST_TOKEN: token,
    OUTLAST_WEBHOOK_ALLOW: network,
    ...(system !== undefined && { OUTLAST_SYSTEM: system }),
  }
}
