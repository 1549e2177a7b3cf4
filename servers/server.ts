/** Where a program keeps its data and which loopback ports it takes. */
export interface ProgramRequest {
  /** Exists; belongs to this node alone. */
  readonly dataDir: string
  readonly host: string
  /** What the other nodes dial. */
  readonly port: number
  /** Administration: only for programs that have it. */
  readonly controlPort?: number
  /** For talk between the program's own parts: only for programs that have any. */
  readonly innerPorts?: readonly number[]
  /** The database's address, credentials included: only for programs that dial one. */
  readonly storeUrl?: string
  /** Real milliseconds, by name: only for programs that have timeouts. */
  readonly timeouts?: Readonly<Record<string, number>>
}

/** How to start a program as a child process: plain data. */
export interface ProgramCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly uid?: number
  readonly gid?: number
  /** `postgres`: it takes logins, as `tcp` is before that. `control`: the path is that of the administration's port. */
  readonly ready: 'tcp' | 'postgres' | { readonly http: string; readonly control?: true }
  /** Ends it at once in good order, children and kernel objects included; SIGKILL leaves those to others. */
  readonly endSignal: NodeJS.Signals
}
