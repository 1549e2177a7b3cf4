import type { LoggedEvent } from '../shown/event.ts'
import { wordsOf } from '../shown/words.ts'
import { byId, el } from './dom.ts'

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hour12: false })

/** Adds what is new to the list, the latest event first. A list of another task is begun anew. */
export function drawLog(taskId: string, log: readonly LoggedEvent[]): void {
  const list = byId('log')
  if (list.dataset['task'] !== taskId) {
    list.replaceChildren()
    list.dataset['task'] = taskId
  }
  const fresh = log.slice(list.childElementCount)
  list.prepend(...fresh.map(rowOf).toReversed())
}

function rowOf(event: LoggedEvent): HTMLElement {
  const at = new Date(event.time)
  const kind = event.type.replace(/^.*\./, '')
  return el(
    'li',
    { 'data-seq': event.seq, 'data-type': event.type, class: `${kind} fresh` },
    el('time', { datetime: event.time }, Number.isNaN(at.getTime()) ? event.time : clock.format(at)),
    el('span', { class: 'seq' }, String(event.seq)),
    el('span', { class: 'what' }, wordsOf(event)),
  )
}
