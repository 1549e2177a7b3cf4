import type { WebSocket } from 'ws'

/** A connection is read while nobody holds it. */
export interface Gate {
  hold(): void
  /** Once for each `hold`. */
  release(): void
}

/**
 * Node reads a connection on while bytes are there, 32 times 64 KiB before it looks at any other one: who floods us with
 * small messages would have everybody else wait for seconds. With what came at once each turn of the event loop ends here.
 */
export function openGate(socket: WebSocket): Gate {
  let holders = 0
  let isResting = false
  const hold = (): void => void (holders++ === 0 && socket.pause())
  const release = (): void => void (--holders === 0 && socket.resume())
  const rest = (): void => {
    if (isResting) return
    isResting = true
    hold()
    setImmediate(() => {
      isResting = false
      release()
    })
  }
  socket.on('message', rest).on('pong', rest)
  return { hold, release }
}
