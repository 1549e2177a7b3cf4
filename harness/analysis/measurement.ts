import type { CellTrace } from './trace.ts'

/**
 * Why a cell's measurement of the harness and its machine is not whole; undefined where it is. Where the kernel does not tell
 * all, whoever measured said so (`unwatched`). Plans from before there were limits for the machine ask for nothing of it.
 */
export function whyUnmeasured({ cell, health, nodes }: CellTrace): string | undefined {
  if (!health) return 'the harness left no measurement of itself'
  if (!cell?.health.machine) return undefined
  const { machine } = health.value
  if (!machine) return 'the harness left no measurement of the machine'
  if (machine.unwatched !== undefined) return undefined
  const { cpuPressure, steal, processes = [] } = machine
  if (!cpuPressure || !steal || processes.length === 0) return 'a part of the measurement of the machine is missing'
  const watched = new Set(processes.map(({ name }) => name))
  // Nodes that come later may go before anybody looks at them.
  const hidden = nodes.find(({ at, value }) => value.state === 'ready' && at < 0 && !watched.has(value.node))
  return hidden && `nobody measured how long ${hidden.value.node} waited for a processor`
}
