import { isTerminal, takesCommands } from '../shown/event.ts'
import { byId, disable, el } from './dom.ts'
import type { Connection } from './follow.ts'
import type { Done } from './draw-nodes.ts'
import type { Known } from './watched-task.ts'

/** Everything about the task but its log, its memory and its commands. */
export function drawTask(known: Known, last: Done | undefined): void {
  byId('id').textContent = known.taskId
  drawStatus(known)
  drawFacts(known, last)
  const { step = 0, steps = 0, status = '' } = known.view ?? {}
  const progress = byId('progress') as HTMLProgressElement
  progress.value = status === 'completed' ? 100 : steps === 0 ? 0 : (100 * step) / steps
  drawButtons(known)
}

const inWords: Readonly<Record<string, string>> = { input_required: 'stands still', asked: 'as asked' }

function drawStatus({ view }: Known): void {
  const { status = 'unknown', reason } = view ?? {}
  const text = reason === undefined ? say(status) : `${say(status)}: ${say(reason)}`
  const shown = byId('status')
  if (shown.textContent !== text) shown.replaceChildren(el('span', { class: `badge ${status}` }, text))
}

function say(word: string): string {
  return inWords[word] ?? word.replaceAll('-', ' ')
}

function drawFacts({ view, memory }: Known, last: Done | undefined): void {
  if (!view) return byId('facts').replaceChildren()
  const { attempt, step, steps, action, creditsUsed, creditsGranted } = view
  const left = creditsGranted === undefined ? 'no limit' : `${creditsGranted - creditsUsed} left`
  const granted = creditsGranted === undefined ? '' : ` of ${creditsGranted}`
  const facts = [
    fact(
      'attempt',
      attempt === 0 ? 'none yet' : String(attempt),
      last ? `step ${last.step} was done by ${last.executor}` : '',
    ),
    fact('step', steps === 0 ? String(step) : `${step} of ${steps}`, isTerminal(view.status) ? '' : (action ?? '')),
    fact('budget', left, `${creditsUsed}${granted} credits used`),
    fact(
      'memory',
      memory ? `version ${memory.version}` : 'none',
      memory?.version === 1 ? 'as submitted' : memory ? `by ${who(memory.by)}` : '',
    ),
  ]
  byId('facts').replaceChildren(...facts)
}

/** Ids of commands are long, and in the table. */
function who(by: string): string {
  return /^(step |a read|the sub)/.test(by) ? by : 'a command'
}

function fact(name: string, value: string, more: string): HTMLElement {
  const details = more === '' ? [] : [el('small', {}, more)]
  return el('div', {}, el('dt', {}, name), el('dd', {}, value, ...details))
}

function drawButtons({ view, cancel }: Known): void {
  const takes = view !== undefined && takesCommands(view.status)
  disable('interrupt', !takes)
  disable('resume', !takes)
  disable('cancel', !takes || cancel !== 'no')
  disable('steer-fields', !takes || !view.hasMemory)
  disable('top-up-fields', !takes || view.creditsGranted === undefined)
}

export function drawConnection(connection: Connection | undefined): void {
  const shown = byId('connection')
  const text = connection === undefined ? '' : wordsOf(connection)
  shown.className = connection?.state ?? ''
  if (connection?.state === 'gone' || connection?.state === 'refused') shown.classList.add('broken')
  if (shown.textContent !== text) shown.textContent = text
}

function wordsOf(connection: Connection): string {
  if (connection.state === 'broken')
    return `The connection is lost; another one is tried in ${connection.againInS} s. The task goes on without this page.`
  return {
    connecting: 'Connecting …',
    open: 'Connected: events come as they happen.',
    gone: 'The service does not know this task, or has forgotten what this page shows.',
    refused: 'The service does not let this page watch the task. The task goes on without it.',
    over: 'The task has ended: nothing more comes.',
  }[connection.state]
}
