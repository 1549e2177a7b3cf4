import type { Task } from './task.ts'

/** The principal of the operator's token. No JWT can be of this one. */
export const operator = 'owner'

/** Whose task it is. What was accepted where nobody tells principals apart is the operator's. */
export function ownerOf({ principal }: Pick<Task, 'principal'>): string {
  return principal ?? operator
}
