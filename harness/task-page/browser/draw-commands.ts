import { cancelRow, type CommandRow, commandRows } from '../shown/commands.ts'
import { byId, el } from './dom.ts'
import type { Known } from './watched-task.ts'

/** Every command that anybody gave the task, and how far it is: the latest last, as in the log. */
export function drawCommands({ log, sent, cancel }: Known): void {
  const cancelled = cancelRow(log, cancel)
  const rows = [...commandRows(log, sent), ...(cancelled ? [cancelled] : [])].map(rowOf)
  const empty = el('tr', {}, el('td', { class: 'empty', colspan: 2 }, 'None yet.'))
  const table = byId('commands')
  const next = rows.length > 0 ? rows : [empty]
  if (table.innerHTML !== next.map((row) => row.outerHTML).join('')) table.replaceChildren(...next)
}

function rowOf({ id, what, stage, reason, isOwn }: CommandRow): HTMLElement {
  const from = isOwn ? [] : [el('small', {}, 'from elsewhere')]
  const why = reason === undefined ? [] : [el('small', {}, reason)]
  return el(
    'tr',
    { 'data-command': id, 'data-stage': stage },
    el('td', {}, what, ...from),
    el('td', {}, el('span', { class: `stage ${stage}` }, stage), ...why),
  )
}
