import type { Server } from 'node:http'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Of memory for young objects: enough for any rate of requests. */
const enoughBytes = 12 * 2 ** 20
const connectionsBetweenLooks = 128

/**
 * V8's young generation grows with what survives its collections, to 96 MB, and keeps that for good. A burst of thousands of
 * connections survives: half of what each costs would be this. So it grows no more once it is large enough for requests, as
 * with `node --max-semi-space-size=8`, which whoever starts a node may forget.
 */
export function boundYoungGeneration(server: Server): void {
  let connections = 0
  const look = (): void => {
    if (++connections % connectionsBetweenLooks > 0 || youngBytes() < enoughBytes) return
    setFlagsFromString('--semi-space-growth-factor=1')
    server.off('connection', look)
  }
  server.on('connection', look)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0
}
