/**
 * `outlast/adapter`: what a file says of a service that speaks an API of its own. Its default export is an `Adapter`. outlast sends
 * the requests, paces and repeats them, and records what came back; the adapter only says how they are written and read.
 */
export interface Adapter {
  /** The request that submits one piece of work. */
  submit(job: AdapterJob): AdapterRequest
  /** The request for the state of a task. Absent: nobody can ask, and only a callback tells. */
  status?(id: string, service: { readonly token: string }): AdapterRequest
  /**
   * The task in an answer with a status of 2xx or 303, to either; undefined: there is none in it. Of a 409 to a submission that was
   * repeated it is the task that the key has already: only its id counts, and it is read.
   */
  read(answer: AdapterAnswer, job: AdapterJob): AdapterTask | undefined
  /** What a callback tells, where the client is `webhook`. Throws for one that is not to be believed: it is answered 400. */
  callback?(callback: AdapterCallback, job: AdapterJob): AdapterNotice
  /** Whether the last document of a task is right. Absent: as `work.right` of the scenario has it. */
  isRight?(document: unknown, job: AdapterJob): boolean
  /** A submission that is sent again with the same key begins no second task. Otherwise one in doubt is not repeated. */
  readonly isIdempotent: boolean
}

export interface AdapterJob {
  /** Names the work in every record: the idempotency key. */
  readonly key: string
  /** As the scenario writes it, placeholders filled in. */
  readonly input: Readonly<Record<string, unknown>>
  readonly token: string
  /** Where a callback is to go; only where the client is `webhook`. */
  readonly callbackUrl?: string
}

export interface AdapterRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Path and query, below the address of a replica. Of a whole address only these are used. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

export interface AdapterAnswer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  /** Parsed, where it is JSON; else its text. */
  readonly body: unknown
}

export interface AdapterCallback {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** As it came: signatures are over these bytes. */
  readonly body: Buffer
}

export interface AdapterTask {
  /** How the service calls it. */
  readonly id: string
  readonly state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled'
  /** What it was read from: `isRight` and `work.right` look at it. */
  readonly document: unknown
  /** Why it failed. */
  readonly reason?: string
}

/** A callback may be no more than news of a task. What it leaves out is read, where there is `status`. */
export type AdapterNotice = Pick<AdapterTask, 'id' | 'reason'> & Partial<Pick<AdapterTask, 'state' | 'document'>>
