import { connect, type Socket } from 'node:net'
import { canaryPorts } from './ruleset.ts'

/** What a trial connection met: `connected`, `silence`, or the error's code. */
export type Meeting = string

const patienceMs = 400
let next = canaryPorts.first

/** Try one connection from a port that the packet filter counts apart. */
export async function tryConnection(host: string, port: number): Promise<Meeting> {
  const { socket, met } = open(host, port)
  const meeting = await met
  socket.destroy()
  return meeting
}

/** A connection that stays open and silent until it is asked to say something. */
export interface IdleCanary extends Disposable {
  /** Sends one byte: a peer that forgot this connection drops it, or answers with a reset. */
  speak(): Promise<Meeting>
}

/** Rejects when it cannot even connect. */
export async function openIdleCanary(host: string, port: number): Promise<IdleCanary> {
  const { socket, met } = open(host, port)
  const meeting = await met
  if (meeting !== 'connected') throw new Error(`a trial connection to ${host}:${port} met ${meeting}`)
  let ended: Meeting | undefined
  socket.on('error', ({ code, message }: NodeJS.ErrnoException) => (ended ??= code ?? message))
  socket.on('close', () => (ended ??= 'closed'))
  return {
    speak: async () => {
      if (ended === undefined) socket.write('\n')
      await new Promise((resolve) => setTimeout(resolve, patienceMs))
      return ended ?? 'silence'
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

function open(host: string, port: number): { socket: Socket; met: Promise<Meeting> } {
  const socket = connect({ host, port, localPort: nextPort() })
  const met = new Promise<Meeting>((resolve) => {
    const timer = setTimeout(() => resolve('silence'), patienceMs)
    socket.once('connect', () => resolve('connected'))
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
    socket.once('close', () => clearTimeout(timer))
  })
  return { socket, met }
}

/** A port that was just used may still linger: the next one is taken. */
function nextPort(): number {
  next = next >= canaryPorts.last ? canaryPorts.first : next + 1
  return next
}
