import type { LoggedEvent } from './event.ts'

/** What the page says of a task above its log. */
export interface TaskView {
  readonly status: string
  /** Why it stands still, or ended so; undefined: there is no reason on record. */
  readonly reason: string | undefined
  readonly attempt: number
  readonly step: number
  /** Of its plan; 0: nobody has said yet. */
  readonly steps: number
  /** The name of the step under way. */
  readonly action: string | undefined
  readonly creditsUsed: number
  /** Budget and top-ups; undefined: there is no limit. */
  readonly creditsGranted: number | undefined
  readonly hasMemory: boolean
}

interface Request {
  readonly budget?: { readonly credits: number }
  readonly memory?: object
}

/** The view of a log of at least one event. It is folded event by event, and says what the API says of the task. */
export function viewOf(log: readonly LoggedEvent[]): TaskView {
  const [created, ...rest] = log
  return rest.reduce(viewAfter, openView(created!))
}

export function openView({ status, attempt, data }: LoggedEvent): TaskView {
  const { budget, memory } = (data['request'] ?? {}) as Request
  return {
    status,
    reason: undefined,
    attempt,
    step: 0,
    steps: 0,
    action: undefined,
    creditsUsed: 0,
    creditsGranted: budget?.credits,
    hasMemory: memory !== undefined,
  }
}

export function viewAfter(view: TaskView, event: LoggedEvent): TaskView {
  const { status, attempt, data } = event
  const said = typeof data['reason'] === 'string' ? data['reason'] : undefined
  const isNew = status !== view.status
  // The reason of a command that was void is that command's.
  const reason = isNew || event.type === 'task.interrupted' ? said : view.reason
  return { ...view, status, attempt, reason, ...creditsAfter(view, event), ...stepAfter(view, event) }
}

function creditsAfter(view: TaskView, { type, data }: LoggedEvent): Partial<TaskView> {
  const credits = Number(data['credits'] ?? 0)
  if (type === 'task.topped_up') return { creditsGranted: (view.creditsGranted ?? 0) + credits }
  if (type === 'task.spawned' && view.creditsGranted !== undefined)
    return { creditsGranted: view.creditsGranted - credits }
  return type === 'task.progress' ? { creditsUsed: view.creditsUsed + credits } : {}
}

function stepAfter(view: TaskView, { type, data, status }: LoggedEvent): Partial<TaskView> {
  if (status === 'completed') return { step: view.steps, action: undefined }
  if (!('next' in data)) return {}
  const action = (data['next'] as { readonly name: string } | null)?.name
  return type === 'task.progress' ? { action, step: Number(data['step']), steps: Number(data['steps']) } : { action }
}
