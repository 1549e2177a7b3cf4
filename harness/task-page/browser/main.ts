import type { Command } from '../shown/commands.ts'
import { isPassing } from '../shown/answer.ts'
import { describeProblem, post } from './api.ts'
import { byId, disable, onSubmit, showFlaw, valueOf } from './dom.ts'
import { drawCommands } from './draw-commands.ts'
import { drawLog } from './draw-log.ts'
import { drawMemory } from './draw-memory.ts'
import { type Around, drawNodes, readAround } from './draw-nodes.ts'
import { drawConnection, drawTask } from './draw-task.ts'
import { openForms, readSubmission } from './forms.ts'
import { openPolling } from './poll-channel.ts'
import { openSocket } from './socket-channel.ts'
import { type Known, WatchedTask } from './watched-task.ts'

const { sockets, callback } = document.body.dataset
const open = sockets === undefined ? openPolling : openSocket
let task: WatchedTask | undefined
let around: Around | undefined

function draw(known: Known): void {
  drawConnection(known.connection)
  drawTask(known, around?.last)
  drawLog(known.taskId, known.log)
  drawMemory(known)
  drawCommands(known)
}

/** The address names the task behind its `#`: it can be loaded again, and opened elsewhere. */
function watch(): void {
  task?.close()
  task = undefined
  const taskId = decodeURIComponent(location.hash.slice(1))
  byId('task').hidden = taskId === ''
  byId('new').toggleAttribute('open', taskId === '')
  if (taskId === '') return drawConnection(undefined)
  task = new WatchedTask(taskId, open, draw)
  draw(task.known)
}

/** One key until it is known what became of it: sent again, it is the same task. */
let key = crypto.randomUUID()
for (const id of ['seed', 'work', 'budget', 'memory'])
  byId(id).addEventListener('input', () => (key = crypto.randomUUID()))

async function submit(): Promise<void> {
  const body = readSubmission(key, callback)
  if (!body || byId('submit-button').hasAttribute('disabled')) return
  disable('submit-button', true)
  byId('submit-flaw').textContent = ''
  const answer = await post('tasks', body, { 'idempotency-key': key })
  disable('submit-button', false)
  const { task_id: taskId } = (answer.body ?? {}) as { readonly task_id?: string }
  if (answer.status >= 300 || answer.status === 0 || taskId === undefined) {
    const again = isPassing(answer, 'submit') ? ' Submit it again: it is the same task.' : ''
    byId('submit-flaw').textContent = `${describeProblem(answer)}${again}`
    return
  }
  key = crypto.randomUUID()
  location.hash = encodeURIComponent(taskId)
}

function command(what: DistributiveOmit<Command, 'id'>): void {
  task?.command({ id: crypto.randomUUID(), ...what })
}
type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never

async function lookAround(): Promise<void> {
  around = await readAround(task?.known.taskId ?? '')
  drawNodes(around)
  if (task) drawTask(task.known, around?.last)
  setTimeout(() => void lookAround(), 1_000)
}

onSubmit('submit', () => void submit())
onSubmit('watch', () => {
  const id = valueOf('watched').trim()
  showFlaw('watched', id === '' ? 'An id is in the answer to a submission, and on the page of its task.' : '')
  if (id !== '') location.hash = encodeURIComponent(id)
})
openForms({
  document: () => task?.known.memory?.document,
  steer: (patch) => command({ type: 'steer', patch }),
  topUp: (credits) => command({ type: 'top_up', credits }),
})
byId('interrupt').addEventListener('click', () => command({ type: 'interrupt' }))
byId('resume').addEventListener('click', () => command({ type: 'resume' }))
byId('cancel').addEventListener('click', () => void task?.cancel())
addEventListener('hashchange', watch)
watch()
void lookAround()
