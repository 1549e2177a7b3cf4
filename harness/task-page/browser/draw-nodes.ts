import { byId, el } from './dom.ts'

interface NodeSeen {
  readonly node: string
  readonly state: string
  readonly pid?: number
}

/** Which node did a step of the task last. */
export interface Done {
  readonly executor: string
  readonly step: number
}

export interface Around {
  readonly nodes: readonly NodeSeen[]
  readonly last?: Done
}

/** Undefined: outlast does not answer. */
export async function readAround(taskId: string): Promise<Around | undefined> {
  try {
    const response = await fetch(`around?task=${encodeURIComponent(taskId)}`)
    return response.ok ? ((await response.json()) as Around) : undefined
  } catch {
    return undefined
  }
}

export function drawNodes(around: Around | undefined): void {
  const list = byId('nodes')
  const rows = around
    ? around.nodes.map(nodeRow)
    : [el('li', { class: 'down' }, el('i', { 'aria-hidden': 'true' }), el('b', {}, 'outlast does not answer'))]
  const next = rows.map((row) => row.outerHTML).join('')
  if (list.innerHTML !== next) list.replaceChildren(...rows)
}

function nodeRow({ node, state, pid }: NodeSeen): HTMLElement {
  const isUp = state === 'ready'
  const more = isUp ? (pid === undefined ? '' : ` process ${pid}`) : ` ${state}`
  const name = el('b', {}, node)
  return el('li', { class: isUp ? 'up' : 'down' }, el('i', { 'aria-hidden': 'true' }), name, el('span', {}, more))
}
