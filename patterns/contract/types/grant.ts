import { z } from 'zod'

/**
 * What one task may use, as the API granted it when it accepted the task: a JWT (RFC 7519) under a secret that API nodes and
 * tool gateways share. Executors carry it to the gateway and can make none. It is in the first event of the task, for
 * executors alone: no client ever sees it.
 */
export const grantClaims = z.object({
  /** The principal whose task it is. */
  sub: z.string(),
  task: z.string(),
  /** The client's own name for the work, which every effect carries. Absent: work of another kind has none. */
  job: z.string().optional(),
  /** Names of tools; `*`: every one. */
  tools: z.array(z.string()).readonly(),
})
export type GrantClaims = z.infer<typeof grantClaims>

/** Its header and audience: no token of another kind is taken for a grant (RFC 8725, 3.11). */
export const grantHeader = { alg: 'HS256', typ: 'outlast-grant+jwt' } as const
export const grantAudience = 'outlast-gateway'

/** A grant ends with its task's deadline. Where there is none it lasts a week, in real time. */
export const longestGrantS = 7 * 24 * 3600

/** Names the tool of a call to the tool server. */
export const toolHeader = 'outlast-tool'
