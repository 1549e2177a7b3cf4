/** How a service answers its clients: what `outlast init` writes down for each, to be changed where the service has other words. */
export interface Api {
  /** Shown where it is asked for. */
  readonly about: string
  readonly client: 'polling' | 'webhook'
  /** Absent: it speaks the task API of outlast, and nothing is to be translated. */
  readonly speech?: Speech
}

export interface Speech {
  readonly submit: string
  /** Absent: nobody can ask, and only a callback tells. */
  readonly status?: string
  readonly id: string | { readonly header: string }
  readonly state: string
  readonly states: Readonly<Record<string, readonly string[]>>
  /** What is submitted beside the input. */
  readonly body?: Readonly<Record<string, unknown>>
}

/** A word that no service uses for something else does no harm here; one that is missing is a task that runs for ever. */
const usualStates = {
  queued: ['queued', 'pending', 'accepted'],
  running: ['running', 'processing', 'in_progress'],
  completed: ['completed', 'succeeded', 'done'],
  failed: ['failed', 'error'],
  cancelled: ['cancelled', 'canceled'],
}

export const apis = {
  'task-api': { about: 'the task API of outlast (docs/contract.md)', client: 'polling' },
  jobs: {
    about: 'POST /jobs answers with an id, GET /jobs/{id} with the state',
    client: 'polling',
    speech: { submit: 'POST /jobs', status: 'GET /jobs/{id}', id: '$.id', state: '$.status', states: usualStates },
  },
  operation: {
    about: '202 with Operation-Location, an address that answers with the state',
    client: 'polling',
    speech: {
      submit: 'POST /operations',
      status: 'GET {id}',
      id: { header: 'operation-location' },
      state: '$.status',
      states: {
        queued: ['notStarted', 'NotStarted'],
        running: ['running', 'Running'],
        completed: ['succeeded', 'Succeeded'],
        failed: ['failed', 'Failed'],
        cancelled: ['canceled', 'Canceled'],
      },
    },
  },
  background: {
    about: 'a response in the background: POST /v1/responses, GET /v1/responses/{id}',
    client: 'polling',
    speech: {
      submit: 'POST /v1/responses',
      status: 'GET /v1/responses/{id}',
      id: '$.id',
      state: '$.status',
      states: {
        queued: ['queued'],
        running: ['in_progress'],
        completed: ['completed'],
        failed: ['failed', 'incomplete'],
        cancelled: ['cancelled'],
      },
      body: { background: true },
    },
  },
  webhook: {
    about: 'it only posts the outcome to an address that the submission names',
    client: 'webhook',
    speech: {
      submit: 'POST /jobs',
      id: '$.id',
      state: '$.status',
      states: usualStates,
      body: { callback_url: '{callback}' },
    },
  },
} as const satisfies Readonly<Record<string, Api>>

export type ApiName = keyof typeof apis
export const apiNames = Object.keys(apis) as readonly ApiName[]
