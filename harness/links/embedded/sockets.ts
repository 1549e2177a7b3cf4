import type { Socket } from 'node:net'

/** Close with RST and drop what was not sent. A connection that is still being made is reset once it is there. */
export function resetSocket(socket: Socket): void {
  if (socket.connecting || !socket.pending) socket.resetAndDestroy()
  else socket.destroy()
}

/** `host:port`, `:port` and `[v6]:port` as Toxiproxy takes them. Undefined when it is none of these. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) return undefined
  return { host: match[1] ?? match[2] ?? '', port }
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
